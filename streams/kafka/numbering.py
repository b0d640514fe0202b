"""How a ledger numbers its schemas: by the packaged ids or by one registry's, the same for its whole life.

Rules:
- The same small number is one schema here and another there. Records of both kinds could not be told apart, and those
  of one kind would be dead letters to who reads the other. So who begins to work on a ledger looks at its first
  records, and does not begin where they are ours under another number.
- A first record that is none of ours says nothing.
"""

from streams.core.errors import Misuse
from streams.kafka.names import EVENTS, PROGRESS
from streams.kafka.ports import Log
from streams.settings import Settings
from streams.wire import records

_FIRST = {PROGRESS: "progress", EVENTS: "message-event"}
"""What every ledger is told first, and what it is for: topic and schema."""


def check(log: Log) -> None:
    """Look at the first records of a ledger, before any work on it.

    Raises:
        Misuse: they are numbered otherwise than these settings do.
        Unavailable: brokers or registry do not answer.
    """
    for topic, name in _FIRST.items():
        first = next(log.read_range(topic, count=1), None)
        if first is not None and records.is_renumbered(name, first.values[0]):
            raise _refusal(log.settings, topic)


def _refusal(settings: Settings, topic: str) -> Misuse:
    ours = f"those of the registry at {settings.registry_url}" if settings.registry_url else "the packaged ones"
    return Misuse(
        f"The ledger {settings.ledger} has other ids of schemas in {topic} than {ours}.",
        hint="registry_url is for a ledger's whole life: set it as it was when this one began, or begin another",
    )
