"""Records of the low-rate schemas."""

import pytest

from streams.core.errors import Undecodable
from streams.wire import records, schemas

EVIDENCE = {"event_id": bytes(16), "message_key": "k", "source": "s", "file": "f", "offset": 3, "raw": b"line"}


def test_a_record_comes_back() -> None:
    """Framed with the id of its schema, and the same when read."""
    value = records.encode("evidence", EVIDENCE)
    assert value[:5] == schemas.header("evidence")
    assert records.decode("evidence", value) == EVIDENCE


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value"),
        (b"\0\0", "shorter than a frame"),
        (b"{json}", "no zero byte"),
        (records.encode("evidence", EVIDENCE)[:-1], "not evidence in Avro"),
        (records.encode("evidence", EVIDENCE) + b".", "1 bytes after the end"),
        (b"\0\0\0\0\x63", "unknown, not evidence"),
        (schemas.header("case") + records.encode("evidence", EVIDENCE)[5:], "is case, not evidence"),
    ],
)
def test_what_is_no_record_says_why(value: bytes | None, reason: str) -> None:
    """The reason goes to the dead letters."""
    with pytest.raises(Undecodable, match=reason):
        records.decode("evidence", value)


def test_ids_fit_in_one_small_number() -> None:
    """The reader of columns takes the bytes of a frame for numbers of one byte: ids stay below 128."""
    assert all(0 < number < 128 for numbers in schemas.ids().values() for number in numbers)
    assert schemas.name_of(0) is None
