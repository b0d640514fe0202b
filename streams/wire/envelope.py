"""A MessageEvent to framed Avro and back.

Encoding is written out field by field, since a collector does it for every event: the general writer of fastavro is the
reference that the tests compare every byte with. Decoding one by one is for the few; batches are read as columns.
"""

import msgspec

from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent
from streams.wire import records
from streams.wire.schemas import header, schema

_HEADER = header("message-event")
LAST = 253_402_300_799_999_999
"""The last microsecond of year 9999: what is later, or as long before 1970, is no time."""

_INT = 2**31
_GROUP = 0x3FFF


def zigzag(number: int) -> bytes:
    """Avro's long: zig-zag, then seven bits a byte, least first."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_SMALL = [zigzag(n) for n in range(4096)]
_PAIRS = [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(_GROUP + 1)]
_LAST = [zigzag(n >> 1) if not n & 1 else b"" for n in range(_GROUP + 1)]
_NONE = b"\0"
_SOME = b"\2"
_HASH = zigzag(16)


def _kinds() -> dict[str, bytes]:
    symbols = next(field["type"]["symbols"] for field in schema("message-event")["fields"] if field["name"] == "kind")
    return {kind.value: zigzag(symbols.index(kind.value.replace("-", "_"))) for kind in Kind}


_KINDS = _kinds()


def _long(number: int) -> bytes:
    if 0 <= number < 4096:  # noqa: PLR2004 - the table's length
        return _SMALL[number]
    if 1 << 48 <= number < 1 << 54:  # times of our century: three pairs of bytes and the rest
        rest = number << 1
        top = rest >> 42
        return (
            _PAIRS[rest & _GROUP]
            + _PAIRS[rest >> 14 & _GROUP]
            + _PAIRS[rest >> 28 & _GROUP]
            + (bytes((top,)) if top < 0x80 else bytes((top & 0x7F | 0x80, top >> 7)))  # noqa: PLR2004 - seven bits
        )
    return zigzag(number)


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return _long(len(raw)) + raw


def _some_text(text: str | None) -> bytes:
    if text is None:
        return _NONE
    raw = text.encode("utf-8", "replace")
    return _SOME + _long(len(raw)) + raw


def _some_long(number: int | None) -> bytes:
    return _NONE if number is None else _SOME + _long(number)


def _some_bytes(raw: bytes | None) -> bytes:
    return _NONE if raw is None else _SOME + _long(len(raw)) + raw


def _texts(texts: tuple[str, ...]) -> bytes:
    return _long(len(texts)) + b"".join([_text(text) for text in texts]) + _NONE if texts else _NONE


def encode(event: MessageEvent) -> bytes:
    """The framed value of an event."""
    return b"".join(
        (
            _HEADER,
            _HASH + event.event_id,
            _KINDS[event.kind],
            _long(event.occurred_at),
            _long(event.observed_at),
            _HASH + event.leg,
            _some_bytes(event.next_leg),
            _text(event.message_key),
            _text(event.host),
            _text(event.queue_id),
            _text(event.recipient),
            _some_text(event.original_recipient),
            _some_text(event.next_queue_id),
            _some_text(event.peer),
            _some_text(event.side),
            _text(event.source),
            _some_text(event.message_id),
            _some_text(event.mts_id),
            _some_text(event.originator),
            _some_long(event.recipients_expected),
            _some_long(event.priority),
            _some_long(event.size),
            _some_text(event.content_type),
            _some_text(event.traffic),
            _some_text(event.action),
            _some_text(event.status),
            _some_text(event.diagnostic),
            _some_bytes(event.digest),
            _some_bytes(event.subject_event),
            _some_text(event.subject_key),
            _NONE if event.report_requested is None else b"\2\1" if event.report_requested else b"\2\0",
            _long(event.seq),
            _some_text(event.file),
            _some_long(event.offset),
            _texts(event.attributes),
        )
    )


def decode(value: bytes | None) -> MessageEvent:
    """The event of a framed value.

    Raises:
        Undecodable: with the reason.
    """
    record = records.decode("message-event", value, plain=True)
    try:
        event = msgspec.convert(record | {"kind": record["kind"].replace("_", "-")}, MessageEvent)
    except msgspec.ValidationError as error:
        raise Undecodable(f"not a MessageEvent: {error}") from error
    reason = _doubt(event)
    if reason:
        raise Undecodable(reason)
    return event


def _doubt(event: MessageEvent) -> str:
    """What Avro allows and an event cannot have; "" where there is nothing."""
    if len(event.event_id) != 16 or len(event.leg) != 16:  # noqa: PLR2004 - bytes of a hash
        return "a hash has not 16 bytes"
    if abs(event.occurred_at) > LAST:
        return "it happened after the year 9999"
    ints = (event.recipients_expected or 0, event.priority or 0, event.seq)
    longs = (event.observed_at, event.size or 0, event.offset or 0)
    if any(abs(n) > _INT for n in ints) or any(abs(n) > _INT**2 * 2 for n in longs):
        return "a number is too big"
    return ""
