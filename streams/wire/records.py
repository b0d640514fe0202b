"""Records of the low-rate schemas: dictionaries to framed Avro and back."""

import io
import struct
from functools import cache
from typing import Any

import fastavro

from streams.core.errors import Undecodable
from streams.wire.schemas import body, header, schema

BROKEN = (EOFError, IndexError, KeyError, OverflowError, StopIteration, TypeError, ValueError, struct.error)
"""What a reader of Avro raises for foreign bytes."""


@cache
def parsed(name: str, *, plain: bool = False) -> Any:
    """A packaged schema as fastavro wants it; plain without logical types: times are numbers."""
    return fastavro.parse_schema(_stripped(schema(name)) if plain else schema(name))


def _stripped(part: Any) -> Any:
    match part:
        case dict():
            return {name: _stripped(value) for name, value in part.items() if name != "logicalType"}
        case list():
            return [_stripped(value) for value in part]
        case _:
            return part


def encode(name: str, record: dict[str, Any]) -> bytes:
    """A framed value; unknown fields are refused (ValueError), so that a misspelt one is not lost."""
    out = io.BytesIO()
    out.write(header(name))
    fastavro.schemaless_writer(out, parsed(name), record, strict_allow_default=True)
    return out.getvalue()


def decode(name: str, value: bytes | None, *, plain: bool = False) -> dict[str, Any]:
    """The record of a framed value; plain: with times as numbers.

    Raises:
        Undecodable: with the reason; trailing bytes are one.
    """
    source = io.BytesIO(body(value, name))
    try:
        record = fastavro.schemaless_reader(source, parsed(name, plain=plain), None)
    except BROKEN as error:
        raise Undecodable(f"not {name} in Avro: {type(error).__name__}: {error}") from error
    rest = len(source.read())
    if rest:
        raise Undecodable(f"{rest} bytes after the end of the record")
    return dict(record)  # type: ignore[arg-type]
