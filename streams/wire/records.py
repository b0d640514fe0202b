"""Records of the low-rate schemas: dictionaries to framed Avro and back."""

import io
import struct
from functools import cache
from typing import Any

import fastavro

from streams.core.errors import Undecodable
from streams.wire.schemas import FRAME, MAGIC, header, id_of, ids, schema, split

BROKEN = (EOFError, IndexError, KeyError, OverflowError, StopIteration, TypeError, ValueError, struct.error)
"""What a reader of Avro raises for foreign bytes."""


@cache
def parsed(name: str, number: int | None = None) -> Any:
    """A packaged schema as fastavro wants it; `number` is the id of one of its versions, default: the last."""
    return fastavro.parse_schema(schema(name, number))


def encode(name: str, record: dict[str, Any]) -> bytes:
    """A framed value; unknown fields are refused (ValueError), so that a misspelt one is not lost."""
    out = io.BytesIO()
    out.write(header(name))
    fastavro.schemaless_writer(out, parsed(name), record, strict_allow_default=True)
    return out.getvalue()


def decode(name: str, value: bytes | None) -> dict[str, Any]:
    """The record of a framed value of any version, as the last version has it.

    Raises:
        Undecodable: with the reason; trailing bytes are one.
    """
    number, body = split(value, name)
    source = io.BytesIO(body)
    ours = None if number == id_of(name) else parsed(name)
    try:
        record = fastavro.schemaless_reader(source, parsed(name, number), ours)
    except BROKEN as error:
        raise Undecodable(f"not {name} in Avro: {type(error).__name__}: {error}") from error
    rest = len(source.read())
    if rest:
        raise Undecodable(f"{rest} bytes after the end of the record")
    return dict(record)  # type: ignore[arg-type]


def is_renumbered(name: str, value: bytes | None) -> bool:
    """Is a value a record of this schema in everything but its id: written where schemas have other numbers."""
    if (
        value is None
        or len(value) < FRAME
        or value[:1] != MAGIC
        or int.from_bytes(value[1:FRAME], "big") in ids()[name]
    ):
        return False
    return any(_is_readable(name, MAGIC + number.to_bytes(4, "big") + value[FRAME:]) for number in ids()[name])


def _is_readable(name: str, value: bytes) -> bool:
    try:
        decode(name, value)
    except Undecodable:
        return False
    return True
