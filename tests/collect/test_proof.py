"""Proof: the raw piece of every event, as the evidence schema has it."""

from hypothesis import given
from hypothesis import strategies as st

from streams.collect.parser import Piece
from streams.collect.proof import RAW, proofs
from streams.core.events import Kind, MessageEvent
from streams.wire import records


def _event(number: int, offset: int | None, key: str = "k") -> MessageEvent:
    identity = number.to_bytes(16, "big")
    return MessageEvent(
        event_id=identity, kind=Kind.READ, occurred_at=1, observed_at=1, leg=bytes(16), message_key=key, offset=offset
    )


@given(st.text(), st.text(), st.text(), st.integers(0, 1 << 62), st.binary(max_size=20) | st.just(b"x" * (RAW + 1)))
def test_encoded_as_the_schema_says(key: str, source: str, file: str, offset: int, raw: bytes) -> None:
    """The bytes are those of the general writer."""
    event = _event(7, offset, key)
    expected = {
        "event_id": event.event_id,
        "message_key": key,
        "source": source,
        "file": file,
        "offset": offset,
        "raw": raw[:RAW],
    }
    assert proofs([Piece(offset=offset, raw=raw)], [event], source, file) == {
        event.event_id: records.encode("evidence", expected)
    }


def test_each_event_of_a_piece_has_it() -> None:
    """A line that proves several events is found by each of them; an event of no piece has none."""
    pieces = [Piece(offset=0, raw=b"one"), Piece(offset=4, raw=b"two")]
    found = proofs(pieces, [_event(1, 4), _event(2, 4), _event(3, 99), _event(4, None)], "s", "f")
    assert {key[-1]: records.decode("evidence", value)["raw"] for key, value in found.items()} == {1: b"two", 2: b"two"}


def test_foreign_characters_do_not_stop_it() -> None:
    """A file name that is no UTF-8 is told with question marks."""
    (value,) = proofs([Piece(offset=0, raw=b"")], [_event(1, 0)], "s", "mail\udcff.log").values()
    assert records.decode("evidence", value)["file"] == "mail?.log"
