"""MessageEvents as JSON lines: the way in for every other system.

Rules:
- A line is one event with the envelope's names. Hashes are hexadecimal; times are microseconds UTC or RFC 3339 texts
  with an offset. An example is schemas/examples/events.jsonl.
- `event_id`, `leg`, `next_leg` (of `peer` and `next_queue_id`) and `message_key` may be left out: they are computed as
  every collector computes them, so that the same fact from another collector is the same event. Lines that are alike in
  all that identifies are one fact. Hosts are called by their declared names.
- The key of a message is its Message-ID, else its MTS-identifier, else its stay; a report or receipt has its subject's.
- `source`, `file`, `offset` and `observed_at` are the collector's to say: exported events may carry them, they are
  replaced.
- Unknown fields are refused, and so is what no schema holds: times outside 1990 to 2200, numbers too large, a line that
  no record may hold. So is what means nothing (meaning.py). What is refused is counted with its place, the field and
  the reason.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from streams.collect.declaration import Declaration, Source
from streams.collect.identifiers import Identifiers
from streams.collect.meaning import OF_SUBJECTS, settle
from streams.collect.parser import Counts, Piece
from streams.core.events import Kind, MessageEvent
from streams.core.identity import fact_id, leg_of, message_key, mts_key, pair_leg
from streams.core.moments import micros, moment_of

LONGEST = 256 << 10
"""Bytes of a line; a broker takes records of up to 1 MB, with what belongs to them."""

REFUSED = "not a MessageEvent in JSON"

_EARLIEST, _LATEST = 631_152_000_000_000, 7_258_118_400_000_000  # 1990 and 2200

_Hash = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{32}$")]
_Digest = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{64}$")]
_Time = Annotated[int, Meta(ge=_EARLIEST, lt=_LATEST)]
_Int = Annotated[int, Meta(ge=0, lt=1 << 31)]
_Long = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]

_HASHES = ("event_id", "leg", "next_leg", "digest", "subject_event")
_TYPES: dict[str, Any] = {
    "event_id": _Hash,
    "leg": _Hash,
    "next_leg": _Hash | None,
    "subject_event": _Hash | None,
    "digest": _Digest | None,
    "occurred_at": _Time | str,
    "observed_at": int | str | None,
    "message_key": Annotated[str, Meta(min_length=1)],
    "side": Literal["sent", "received", "moved"] | None,
    "priority": Annotated[int, Meta(ge=-9, le=9)] | None,
    "recipients_expected": _Int | None,
    "size": _Long | None,
    "offset": _Long | None,
    "seq": _Int,
}
_REQUIRED = frozenset({"kind", "occurred_at"})


def _line_type() -> Any:
    """What a line may hold: the envelope's fields, as JSON has them and within what its Avro schema holds."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(MessageEvent):
        kept = _TYPES.get(field.name, field.type)
        fields.append((field.name, kept) if field.name in _REQUIRED else (field.name, kept | UnsetType, UNSET))
    return msgspec.defstruct("Line", fields, forbid_unknown_fields=True, kw_only=True, gc=False)


_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_line_type())


class JsonParser:
    """Reads MessageEvents, one a line."""

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Set up for one source."""
        self.counts = Counts()
        self.source, self.declaration = source, declaration
        self.through = 0
        self.reference: int | None = None
        self._identifiers = Identifiers()

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> list[MessageEvent]:
        """The events of these lines, in order."""
        events = []
        for piece in pieces:
            ours = {"source": self.source.name, "file": file, "offset": piece.offset, "observed_at": observed_at}
            try:
                events.append(_event(piece.raw, ours, self.declaration, self.source.host))
            except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
                self._unread(file, piece.offset, _said(error))
        self._note(events)
        self.through = max([self.through, *(event.occurred_at for event in events)])
        self.counts.pieces += len(pieces)
        self.counts.events += len(events)
        return events

    def close(self) -> Iterable[MessageEvent]:
        """Lines are whole; nothing is left."""
        return ()

    def state(self) -> bytes:
        """Nothing is remembered from one line to the next."""
        return b""

    def restore(self, state: bytes) -> None:
        """Nothing to take up."""

    def _note(self, events: Iterable[MessageEvent]) -> None:
        """Say of the first that one message stands under two identifiers."""
        said = next((note for event in events if (note := self._identifiers.hear(event))), "")
        if said and not self.counts.notes:
            self.counts.notes = (said,)

    def _unread(self, file: str, offset: int, reason: str) -> None:
        self.counts.miss(file, offset, f"{REFUSED}: {reason[:500]}", REFUSED)


def _event(raw: bytes, ours: dict[str, Any], declaration: Declaration, host: str) -> MessageEvent:
    """The event of a line.

    Raises:
        MsgspecError, ValueError, OverflowError, RecursionError: it is none; with the field.
    """
    if len(raw) > LONGEST:
        raise ValueError(f"a line of {len(raw)} bytes is longer than {LONGEST}")
    fields = {name: value for name, value in msgspec.structs.asdict(_DECODER.decode(raw)).items() if value is not UNSET}
    if fields["kind"] is Kind.TICK:
        raise ValueError("kind: a tick is the clock writer's to write")
    if b"\\u0000" in raw:
        _refuse_nul(fields)
    for name in _HASHES:
        if fields.get(name):
            fields[name] = bytes.fromhex(fields[name])
    for name in ("host", "peer"):
        if fields.get(name):
            fields[name] = declaration.host_of(fields[name])
    settle(fields, host)
    fields |= ours
    fields["occurred_at"] = _micros(fields["occurred_at"])
    _identify(fields)
    return MessageEvent(**fields)


def _refuse_nul(fields: dict[str, Any]) -> None:
    """NUL keeps texts apart in hashes: within one, it would make a leg look like another."""
    for name, value in fields.items():
        if any("\0" in text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)):
            raise ValueError(f"{name}: a text with a NUL")


def _identify(fields: dict[str, Any]) -> None:
    """Compute what a line leaves out, as identity.py says."""
    host, number, recipient = (fields.get(name, "") for name in ("host", "queue_id", "recipient"))
    if "message_key" not in fields:
        fields["message_key"] = _key(fields, host, number)
    key = fields["message_key"]
    if "leg" not in fields:
        fields["leg"] = leg_of(host, number, recipient, key=key) if number else pair_leg(key, recipient)
    if "next_leg" not in fields and fields.get("peer") and fields.get("next_queue_id"):
        fields["next_leg"] = leg_of(fields["peer"], fields["next_queue_id"], recipient, key=key)
    if "event_id" not in fields:
        outcome = "|".join(str(fields.get(name)) for name in ("action", "status", "next_queue_id"))
        where = f"{host}/{number}" if number else key
        fields["event_id"] = fact_id(fields["kind"], where, recipient, fields["occurred_at"], outcome)


def _key(fields: dict[str, Any], host: str, number: str) -> str:
    """The key of the message that a line is about: a report's or a receipt's own identifiers do not name that."""
    if fields["kind"] in OF_SUBJECTS and fields.get("subject_key"):
        return str(fields["subject_key"])
    message_id = fields.get("message_id")
    by_mts_id = "" if message_id else mts_key(fields.get("mts_id") or "")
    return by_mts_id or message_key(message_id, host, number)


def _micros(at: int | str) -> int:
    if isinstance(at, int):
        return at
    try:
        found = micros(moment_of(at))
    except (ValueError, TypeError) as error:
        raise ValueError(f"occurred_at: {at[:40]!r} is no RFC 3339 time with an offset") from error
    if not _EARLIEST <= found < _LATEST:
        raise ValueError(f"occurred_at: {at!r} is not between 1990 and 2200")
    return found


def _said(error: Exception) -> str:
    """The field, then what is wrong with it."""
    said, _, place = str(error).partition(" - at `$.")
    return f"{place.rstrip('`')}: {said}" if place else said
