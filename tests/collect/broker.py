"""A broker for tests of collectors: in memory, and it may die or refuse at any call."""

from collections.abc import Mapping, Sequence

from streams.core.errors import Unavailable
from streams.core.events import MessageEvent
from streams.kafka import progress
from streams.wire import envelope, records


class Killed(BaseException):
    """The process is gone."""


class Log:
    """A broker: what is acknowledged stays; of what is not, some may stay as well."""

    def __init__(self) -> None:
        """Begin empty."""
        self.records: list[tuple[str, bytes, bytes]] = []

    @property
    def events(self) -> dict[bytes, MessageEvent]:
        """The events by id; the first counts."""
        found: dict[bytes, MessageEvent] = {}
        for topic, _, value in self.records:
            if topic == "message-events":
                event = envelope.decode(value)
                found.setdefault(event.event_id, event)
        return found

    @property
    def evidence(self) -> dict[bytes, bytes]:
        """Raw text by event id."""
        return {key: records.decode("evidence", value)["raw"] for topic, key, value in self.records if topic[0] == "e"}

    @property
    def claims(self) -> list[int]:
        """What was claimed, in order."""
        return [progress.read(value)["through"] for topic, _, value in self.records if topic == "progress"]


class Writer:
    """A producer: keeps records until they are acknowledged, and may be killed at any call."""

    def __init__(self, log: Log, *, calls: int = -1, kept: float = 0.0, failing: int = -1) -> None:
        """Be killed after some calls, with a part of what is not acknowledged in the log; fail at some flush."""
        self._log, self._calls, self._kept, self._failing = log, calls, kept, failing
        self._waiting: list[tuple[str, bytes, bytes]] = []

    def write(self, events: Sequence[MessageEvent], evidence: Mapping[bytes, bytes] | None = None) -> int:
        """Keep events and what proves them."""
        self._call()
        for event in events:
            self._waiting.append(("message-events", event.message_key.encode(), envelope.encode(event)))
            if evidence and event.event_id in evidence:
                self._waiting.append(("evidence", event.event_id, evidence[event.event_id]))
        return len(events)

    def record(self, topic: str, key: bytes, value: bytes, partition: int = 0) -> None:
        """Keep another record."""
        self._call()
        del partition
        self._waiting.append((topic, key, value))

    def flush(self) -> None:
        """Have everything acknowledged."""
        self._call()
        self._failing -= 1
        if self._failing == -1:
            raise Unavailable("A record was not acknowledged.")
        self._log.records += self._waiting
        self._waiting = []

    def _call(self) -> None:
        self._calls -= 1
        if self._calls == -1:
            self._log.records += self._waiting[: int(len(self._waiting) * self._kept)]
            raise Killed
