"""The trace of a message in its Received lines: which hosts it passed, and what each called it.

Source: RFC 5321 4.4. The lines stand newest first; what a host wrote before ours may be forged, so only declared hosts
count.
"""

import re
from dataclasses import dataclass
from email.message import Message

from streams.collect.declaration import Declaration
from streams.collect.queueid import is_queue_id

LINES = 100
"""Received lines that are looked at: more is a loop."""

_BY = re.compile(r"\bby\s+([^\s(;]+)")
_ID = re.compile(r"\bid\s+([0-9A-Za-z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One stay: a declared host and its queue id."""

    host: str
    queue_id: str


def hops(message: Message, declaration: Declaration) -> list[Hop]:
    """The stays at declared hosts, oldest first."""
    lines = (message.get_all("Received") or [])[:LINES]
    return [hop for line in reversed(lines) if (hop := _hop(" ".join(str(line).split()), declaration))]


def _hop(line: str, declaration: Declaration) -> Hop | None:
    by, number = _BY.search(line), _ID.search(line)
    if not by or not number or not declaration.is_declared(by[1]) or not is_queue_id(number[1]):
        return None
    return Hop(host=declaration.host_of(by[1]), queue_id=number[1])
