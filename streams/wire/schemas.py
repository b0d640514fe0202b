"""The packaged schemas, and the ids that the Confluent wire format knows them by.

Rules:
- A framed value is a zero byte, the schema's id (4 bytes, big endian) and the Avro body. The id names the writer's
  schema.
- Ids are pinned in schemas/ids.toml, one a version; the last is what we write, and stands in events/NAME.avsc. Older
  versions are kept as events/NAME@ID.avsc.
- A registry's ids stay outside (kafka/registry.py): within, an id is a packaged one.
"""

import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from streams.core.errors import Undecodable

MAGIC = b"\0"
FRAME = 5
"""Bytes before the Avro body."""


@cache
def ids() -> dict[str, list[int]]:
    """The ids of each schema's versions, oldest first."""
    text = (files("schemas") / "ids.toml").read_text(encoding="utf-8")
    return {name: list(entry["versions"]) for name, entry in tomllib.loads(text).items()}


@cache
def schema(name: str, number: int | None = None) -> dict[str, Any]:
    """A packaged schema as a parsed JSON document.

    Args:
        name: of the schema.
        number: id of one of its versions; default: the last, which we write.
    """
    path = f"{name}.avsc" if number in {None, id_of(name)} else f"{name}@{number}.avsc"
    document: dict[str, Any] = json.loads((files("schemas") / "events" / path).read_text(encoding="utf-8"))
    return document


def id_of(name: str) -> int:
    """The id that we write a schema under."""
    return ids()[name][-1]


@cache
def name_of(number: int) -> str | None:
    """The schema of an id, or None where it is not ours."""
    return next((name for name, numbers in ids().items() if number in numbers), None)


def header(name: str) -> bytes:
    """What stands before the body of a value of this schema."""
    return MAGIC + id_of(name).to_bytes(4, "big")


def split(value: bytes | None, name: str) -> tuple[int, bytes]:
    """The schema's id and the Avro body of a framed value.

    Raises:
        Undecodable: not framed, or of another or an unknown schema.
    """
    if value is None or len(value) < FRAME:
        raise Undecodable("no value" if value is None else "shorter than a frame")
    if value[:1] != MAGIC:
        raise Undecodable("not in the Confluent wire format: no zero byte")
    number = int.from_bytes(value[1:FRAME], "big")
    if name_of(number) != name:
        raise Undecodable(f"schema id {number} is {name_of(number) or 'unknown'}, not {name}")
    return number, value[FRAME:]
