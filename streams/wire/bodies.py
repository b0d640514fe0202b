"""One Avro body, field by field, exactly as the reader of columns takes it.

Rules:
- A record must be good or bad whatever it is read with: so what polars takes is taken here, too. That is more than
  Avro allows: any index of a union but null's means the other branch, an int is cut to 32 bits, a byte other than 1 is
  false.
- What polars refuses is refused here, with the field it happened in: bytes that end too soon, texts that are not UTF-8,
  symbols that are not there, lengths below zero.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from streams.core.errors import Undecodable
from streams.wire.schemas import schema

Read = Callable[[bytes, int], tuple[Any, int]]
"""Reads a value of some type at a place; answers with the place behind it."""

_LONGEST = 10
"""Bytes of a long."""

_64, _32 = 1 << 64, 1 << 32


class Cut(Exception):  # noqa: N818 - it never leaves this module
    """The bytes end within a value."""


def read(name: str, number: int, body: bytes) -> dict[str, Any]:
    """The fields of a record: times as microseconds, symbols as texts.

    Args:
        name: of the schema.
        number: the id of the version that it was written with.
        body: without the frame.

    Raises:
        Undecodable: with the field and the reason; bytes after the end are one.
    """
    place, record = 0, {}
    for field, of_type in _fields(name, number):
        try:
            record[field], place = of_type(body, place)
        except Cut as error:
            raise Undecodable(f"cut off in {field}") from error
        except (IndexError, ValueError) as error:
            raise Undecodable(f"not {name} in Avro: {field}: {error}") from error
    if place < len(body):
        raise Undecodable(f"{len(body) - place} bytes after the end of the record")
    return record


@cache
def _fields(name: str, number: int) -> tuple[tuple[str, Read], ...]:
    return tuple((field["name"], _reader(field["type"])) for field in schema(name, number)["fields"])


def _reader(kind: Any) -> Read:
    match kind:
        case ["null", other]:
            return _optional(_reader(other))
        case {"type": "enum", "symbols": symbols}:
            return _symbol(symbols)
        case {"type": "array", "items": items}:
            return _array(_reader(items))
        case {"type": plain}:
            return _PLAIN[plain]
        case _:
            return _PLAIN[kind]


def _long(raw: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift, byte in enumerate(raw[place : place + _LONGEST]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says: more
            number %= _64
            return (number >> 1) ^ -(number & 1), place + shift + 1
    if len(raw) < place + _LONGEST:
        raise Cut
    raise ValueError("a number of more than ten bytes")


def _int(raw: bytes, place: int) -> tuple[int, int]:
    number, place = _long(raw, place)
    return (number + _32 // 2) % _32 - _32 // 2, place


def _boolean(raw: bytes, place: int) -> tuple[bool, int]:
    if place >= len(raw):
        raise Cut
    return raw[place] == 1, place + 1


def _bytes(raw: bytes, place: int) -> tuple[bytes, int]:
    length, place = _long(raw, place)
    if length < 0:
        raise ValueError("a length below zero")
    if place + length > len(raw):
        raise Cut
    return raw[place : place + length], place + length


def _string(raw: bytes, place: int) -> tuple[str, int]:
    text, place = _bytes(raw, place)
    return text.decode(), place


def _optional(other: Read) -> Read:
    def read_optional(raw: bytes, place: int) -> tuple[Any, int]:
        branch, place = _long(raw, place)
        return other(raw, place) if branch else (None, place)

    return read_optional


def _symbol(symbols: list[str]) -> Read:
    def read_symbol(raw: bytes, place: int) -> tuple[str, int]:
        index, place = _int(raw, place)
        if not 0 <= index < len(symbols):
            raise ValueError(f"no symbol {index}")
        return symbols[index], place

    return read_symbol


def _array(items: Read) -> Read:
    def read_array(raw: bytes, place: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            count, place = _long(raw, place)
            if count < 0:
                _, place = _long(raw, place)  # the block's length in bytes, for those who skip it
            if count == 0:
                return found, place
            for _ in range(abs(count)):
                item, place = items(raw, place)
                found.append(item)

    return read_array


_PLAIN: dict[str, Read] = {"string": _string, "bytes": _bytes, "int": _int, "long": _long, "boolean": _boolean}
