"""One message under two identifiers: what a writer of JSON lines is told of it.

Rules:
- A message is known by its Message-ID where a line has one, else by its MTS-identifier; nothing joins the two. So an
  MTS-identifier beside a Message-ID in one line, and alone in another, makes two messages of one.
- Evidence may come in any order, in files of its own: whoever joined the two by what was read before would make other
  events of another order. So it is only said, and only of what stands in one source.
"""

from dataclasses import dataclass, field

from streams.core.events import MessageEvent
from streams.core.identity import half

REMEMBERED = 1_000
"""Identifiers of each sort that are compared: who mixes them does so from the beginning."""

_SAID = (
    "The mts_id {} stands in lines with a message_id and in lines without: these are two messages here. "
    "A line with a message_id is of the message that it names; say it in all lines, or in none."
)


@dataclass(slots=True)
class Identifiers:
    """MTS-identifiers as some lines have them.

    Attributes:
        beside: hashes of those of lines that have a Message-ID.
        alone: of those of lines that have none.
    """

    beside: set[bytes] = field(default_factory=set)
    alone: set[bytes] = field(default_factory=set)

    def hear(self, event: MessageEvent) -> str:
        """What is to be said once a line was read, "" for nothing; a report's own identifiers are of no message."""
        number = event.mts_id
        if not number or event.message_key.startswith("/") or event.message_key == event.subject_key:
            return ""
        some, others = (self.beside, self.alone) if event.message_id else (self.alone, self.beside)
        hashed = half("m", number)
        if len(some) < REMEMBERED:
            some.add(hashed)
        return _SAID.format(number[:100]) if hashed in others else ""
