"""Bodies field by field: what the reader of columns takes, and with which words the rest is refused."""

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.errors import Undecodable
from streams.wire import bodies, records
from streams.wire.schemas import id_of, ids, schema

LONGS = st.integers(-(2**63), 2**63 - 1)
COMMAND: dict[str, Any] = {
    "command_id": bytes(16),
    "action": "acknowledge",
    "subject": "s",
    "author": "a",
    "reason": "r",
    "at": 1,
    "attributes": ["a=b", ""],
}


def command(**fields: Any) -> bytes:
    """A body of the command schema."""
    return records.encode("command", COMMAND | fields)[5:]


@given(LONGS)
def test_a_long_is_read_as_avro_says(number: int) -> None:
    """Zig-zag, seven bits a byte, to the last of 64 bits."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    assert bodies._long(out.getvalue(), 0) == (number, len(out.getvalue()))


@pytest.mark.parametrize("name", sorted(ids()))
def test_every_schema_is_read(name: str) -> None:
    """Its types are all known, and nothing at all is cut off in the first field."""
    with pytest.raises(Undecodable, match=f"cut off in {schema(name)['fields'][0]['name']}"):
        bodies.read(name, id_of(name), b"")


def test_a_record_is_read_as_the_reference_reads_it() -> None:
    """Times are microseconds, all else is as fastavro has it."""
    read = bodies.read("command", id_of("command"), command())
    assert read == COMMAND
    assert json.dumps({**read, "command_id": ""})


def test_an_array_may_come_in_blocks_that_say_their_length() -> None:
    """Avro lets a writer give the bytes of a block, with its count below zero (Avro 1.11, arrays)."""
    plain = command(attributes=[])
    assert plain.endswith(b"\0")
    blocks = plain[:-1] + b"\x03\x08\x02a\x02b" + b"\x02\x02c" + b"\0"
    assert bodies.read("command", id_of("command"), blocks)["attributes"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (command() + b"..", "2 bytes after the end"),
        (command()[:-1], "cut off in attributes"),
        (command()[:20], "cut off in action"),
        (b"\x01", "command_id: a length below zero"),
        (b"\xff" * 10, "command_id: a number of more than ten bytes"),
        (b"\0\x02\xff" + command()[3:], "action: 'utf-8'"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(body: bytes, reason: str) -> None:
    """The dead letter says where the bytes stop making sense."""
    with pytest.raises(Undecodable, match=reason):
        bodies.read("command", id_of("command"), body)


def test_a_flag_is_a_byte() -> None:
    """One is true, all else is false, and none at all is an end too soon."""
    value, other = (
        records.encode("progress", {"source": "s", "kind": "declared", "at": 1, "live": live})[5:]
        for live in (True, False)
    )
    place = next(at for at, (one, two) in enumerate(zip(value, other, strict=True)) if one != two)
    assert bodies.read("progress", id_of("progress"), value)["live"] is True
    assert bodies.read("progress", id_of("progress"), value[:place] + b"\2" + value[place + 1 :])["live"] is False
    with pytest.raises(Undecodable, match="cut off in live"):
        bodies.read("progress", id_of("progress"), value[:place])


def test_a_symbol_that_is_not_there_is_refused() -> None:
    """An enum's number has its bounds."""
    value = records.encode("progress", {"source": "s", "kind": "declared", "at": 1})[5:]
    place = 2
    assert value[place] == 0
    for wrong in (b"\x01", b"\x7e"):
        with pytest.raises(Undecodable, match="kind: no symbol"):
            bodies.read("progress", id_of("progress"), value[:place] + wrong + value[place + 1 :])
