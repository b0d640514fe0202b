"""MessageEvents as JSON lines: the way in for every other system.

Rules:
- A line is one event with the envelope's names; hashes are hexadecimal. `event_id` and `leg` may be left out and are
  then computed, as may `message_key` where there is a `message_id`.
- Unknown fields are refused, and so are times outside 1990 to 2200: a line that is wrong is counted with its place, the
  field and the reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Counts, Piece, Unread
from streams.core.events import Kind, MessageEvent
from streams.core.identity import fact_id, leg_of, message_key, pair_leg

EARLIEST, LATEST = 631_152_000_000_000, 7_258_118_400_000_000
"""1990 and 2200, microseconds."""

EXAMPLES = 20
_HASHES = ("event_id", "leg", "next_leg", "digest", "subject_event")


class JsonParser:
    """Reads MessageEvents, one a line."""

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Set up for one source."""
        self.counts = Counts()
        self.source, self.declaration = source, declaration
        self.through = 0
        self._place: dict[str, Any] = {}

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> Iterator[MessageEvent]:
        """The events of these lines, in order."""
        self._place = {"file": file, "observed_at": observed_at, "source": self.source.name}
        for piece in pieces:
            self.counts.pieces += 1
            try:
                event = self._event(msgspec.json.decode(piece.raw, type=dict[str, Any]), piece.offset)
            except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
                self._unread(piece.offset, str(error))
                continue
            self.through = max(self.through, event.occurred_at)
            self.counts.events += 1
            yield event

    def close(self) -> Iterable[MessageEvent]:
        """Lines are whole; nothing is left."""
        return ()

    def state(self) -> bytes:
        """Nothing is remembered from one line to the next."""
        return b""

    def restore(self, state: bytes) -> None:
        """Nothing to take up."""

    def _event(self, fields: dict[str, Any], offset: int) -> MessageEvent:
        fields = self._place | {"offset": offset} | fields
        for name in _HASHES:
            if isinstance(fields.get(name), str):
                fields[name] = _hash(name, fields[name])
        host, number, recipient = (str(fields.get(name, "")) for name in ("host", "queue_id", "recipient"))
        if "message_key" not in fields:
            fields["message_key"] = message_key(fields.get("message_id"), host, number)
        key, at = fields["message_key"], fields.get("occurred_at")
        if not isinstance(at, int) or not EARLIEST <= at < LATEST:
            raise ValueError(f"occurred_at: {at!r} is no time in microseconds between 1990 and 2200")
        if "leg" not in fields:
            fields["leg"] = leg_of(host, number, recipient, key=key) if number else pair_leg(key, recipient)
        if "event_id" not in fields:
            outcome = "|".join(str(fields.get(name)) for name in ("action", "status", "next_queue_id"))
            where = f"{host}/{number}" if number else key
            fields["event_id"] = fact_id(str(fields.get("kind")), where, recipient, at, outcome)
        event = msgspec.convert(fields, MessageEvent)
        if event.kind is Kind.TICK:
            raise ValueError("kind: a tick is the clock writer's to write")
        return event

    def _unread(self, offset: int, reason: str) -> None:
        self.counts.unread["not a MessageEvent in JSON"] += 1
        if len(self.counts.examples) < EXAMPLES:
            self.counts.examples.append(Unread(file=self._place["file"], offset=offset, reason=reason[:500]))


def _hash(name: str, text: str) -> bytes:
    raw = bytes.fromhex(text)
    if name != "digest" and len(raw) != 16:  # noqa: PLR2004 - bytes of a hash
        raise ValueError(f"{name}: {len(raw)} bytes, not 16")
    return raw
