"""A MessageEvent to framed Avro and back.

Encoding is written out field by field, since a collector does it for every event: the general writer of fastavro is the
reference that the tests compare every byte with. Texts and times that come again and again (a host, a file, the time of
reading) are kept as they were written. Decoding one by one is for the few; batches are read as columns.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict, astuple

from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent, Traffic
from streams.wire import bodies, records
from streams.wire.longs import zigzag
from streams.wire.schemas import header, schema, split

FIRST, LAST = -2_208_988_800_000_000, 10_413_792_000_000_000
"""Microseconds: 1900 and 2299, between which an event lies: the engine holds no other times. The last is "never"."""

HASH_WIDTH = 16
"""Bytes of a hash."""

_NAME = "message-event"
_HEADER = header(_NAME)
_KEPT = 1 << 14
"""Texts that are kept as they were written; more than there are hosts, files and replies at a time."""


_SMALL = [zigzag(n) for n in range(4096)]
_NONE = b"\0"
_SOME = [b"\2" + length for length in _SMALL]
"""The branch that is not null, and a small number: the length of what follows, or the value itself."""

_FLAGS = {None: _NONE, False: b"\2\0", True: b"\2\1"}


def _kinds() -> dict[str, bytes]:
    symbols = next(field["type"]["symbols"] for field in schema(_NAME)["fields"] if field["name"] == "kind")
    return {kind.value: zigzag(symbols.index(kind.value.replace("-", "_"))) for kind in Kind}


_KINDS = _kinds()


def _int(number: int) -> bytes:
    if not -(1 << 31) <= number < 1 << 31:
        raise Undecodable(f"a number of {number.bit_length()} bits, not of 32")
    return zigzag(number)


def _some(number: int) -> bytes:
    return _SOME[number] if 0 <= number < len(_SOME) else b"\2" + zigzag(number)


class _Kept(dict[Any, bytes]):
    """What was written before; a look is cheaper than a call."""

    def __init__(self, write: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: Any) -> bytes:
        if len(self) >= _KEPT:
            self.clear()
        self[value] = written = self._write(value)
        return written


def _text_of(text: str) -> bytes:
    raw = text.encode()
    return _SMALL[len(raw)] + raw


def _some_text_of(text: str | None) -> bytes:
    return _NONE if text is None else b"\2" + _text_of(text)


_text, _some_text, _time = _Kept(_text_of), _Kept(_some_text_of), _Kept(zigzag)


def _texts(texts: tuple[str, ...]) -> bytes:
    return b"".join((_SMALL[len(texts)], *map(_text_of, texts), _NONE))


def encode(event: MessageEvent) -> bytes:
    """The framed value of an event; what UTF-8 cannot say is written as "?".

    Raises:
        Undecodable: a number that the schema does not hold.
    """
    try:
        return _encode(event)
    except (IndexError, UnicodeEncodeError):  # a text longer than the tables, or with half a surrogate pair
        return _general(event)


def _encode(event: MessageEvent) -> bytes:
    """An expression a field, since a call costs more than most fields."""
    (
        event_id, kind, occurred_at, observed_at, leg, key, host, queue_id, recipient, source, file, offset, seq,
        next_leg, next_queue_id, peer, side, action, status, diagnostic, original_recipient, attributes,
        message_id, mts_id, originator, expected, priority, size, traffic, report_requested, subject_key,
        content_type, digest, subject_event,
    ) = astuple(event)  # fmt: skip
    return b"".join(
        (
            _HEADER,
            _SMALL[len(event_id)],
            event_id,
            _KINDS[kind],
            _time[occurred_at],
            _time[observed_at],
            _SMALL[len(leg)],
            leg,
            _NONE if next_leg is None else _SOME[len(next_leg)] + next_leg,
            _SMALL[len(raw := key.encode())],
            raw,
            _text[host],
            _SMALL[len(raw := queue_id.encode())],
            raw,
            _SMALL[len(raw := recipient.encode())],
            raw,
            _NONE if original_recipient is None else _SOME[len(raw := original_recipient.encode())] + raw,
            _NONE if next_queue_id is None else _SOME[len(raw := next_queue_id.encode())] + raw,
            _some_text[peer],
            _some_text[side],
            _text[source],
            _NONE if message_id is None else _SOME[len(raw := message_id.encode())] + raw,
            _NONE if mts_id is None else _SOME[len(raw := mts_id.encode())] + raw,
            _NONE if originator is None else _SOME[len(raw := originator.encode())] + raw,
            _NONE if expected is None else b"\2" + _int(expected),
            _NONE if priority is None else b"\2" + _int(priority),
            _NONE if size is None else _some(size),
            _some_text[content_type],
            _some_text[traffic],
            _some_text[action],
            _some_text[status],
            _NONE if diagnostic is None else _SOME[len(raw := diagnostic.encode())] + raw,
            _NONE if digest is None else _SOME[len(digest)] + digest,
            _NONE if subject_event is None else _SOME[len(subject_event)] + subject_event,
            _NONE if subject_key is None else _SOME[len(raw := subject_key.encode())] + raw,
            _FLAGS[report_requested],
            _int(seq) if seq else _NONE,
            _some_text[file],
            _NONE if offset is None else _some(offset),
            _texts(attributes) if attributes else _NONE,
        )
    )


def _general(event: MessageEvent) -> bytes:
    """The same by the general writer: for the few that the tables are too small for."""
    record = {name: _plain(value) for name, value in asdict(event).items()}
    return records.encode(_NAME, record | {"kind": event.kind.value.replace("-", "_")})


def _plain(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case tuple():
            return [_plain(one) for one in value]
        case _:
            return value


def decode(value: bytes | None) -> MessageEvent:
    """The event of a framed value.

    Raises:
        Undecodable: with the reason.
    """
    number, body = split(value, _NAME)
    record = bodies.read(_NAME, number, body)
    return event_of(record)


def event_of(record: dict[str, Any]) -> MessageEvent:
    """The event of a record's fields, as they stand in Avro.

    Raises:
        Undecodable: Avro allows it and an event cannot have it.
    """
    try:
        record["kind"] = Kind(record["kind"].replace("_", "-"))
        record["traffic"] = None if record["traffic"] is None else Traffic(record["traffic"])
    except ValueError as error:
        raise Undecodable(f"not a MessageEvent: {error}") from error
    record["attributes"] = tuple(record["attributes"])
    event = MessageEvent(**record)
    if any(len(one) != HASH_WIDTH for one in (event.event_id, event.leg, event.next_leg or event.leg)):
        raise Undecodable(f"a hash has not {HASH_WIDTH} bytes")
    if not FIRST <= event.occurred_at < LAST:
        raise Undecodable(f"its time lies outside 1900 to 2299: {event.occurred_at} microseconds")
    return event
