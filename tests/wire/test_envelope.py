"""An event on the wire: byte for byte what the reference writer gives, and back."""

import io
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.errors import Undecodable
from streams.core.events import Kind, MessageEvent
from streams.wire import columns, envelope, records
from streams.wire.schemas import FRAME, header, schema
from tests.wire.envelopes import events

FIELDS = {field["name"]: field for field in schema("message-event")["fields"]}


def reference(event: MessageEvent) -> bytes:
    """The body as fastavro's general writer gives it."""
    record = msgspec.structs.asdict(event) | {"kind": event.kind.value.replace("-", "_")}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, records.parsed("message-event"), record, strict=True)
    return out.getvalue()


@settings(max_examples=500, deadline=None)
@given(events)
def test_an_event_is_written_as_the_reference_writes_it(event: MessageEvent) -> None:
    """Our writer and fastavro's give the same bytes."""
    assert envelope.encode(event) == header("message-event") + reference(event)


@settings(max_examples=300, deadline=None)
@given(events)
def test_an_event_comes_back_as_it_was_written(event: MessageEvent) -> None:
    """Writing and reading change nothing."""
    assert envelope.decode(envelope.encode(event)) == event


def test_the_envelope_and_its_schema_have_the_same_fields() -> None:
    """MessageEvent equals message-event.avsc name by name, in any optionality and in every default."""
    mine = {field.name: field for field in msgspec.structs.fields(MessageEvent)}
    assert set(mine) == set(FIELDS)
    for name, field in FIELDS.items():
        nullable = isinstance(field["type"], list)
        assert nullable == (mine[name].default is None), name
        if "default" in field:
            assert field["default"] == ([] if name == "attributes" else None), name


def test_every_kind_has_its_symbol() -> None:
    """Avro knows every kind, with underscores, and one symbol for kinds that come later."""
    symbols = FIELDS["kind"]["type"]["symbols"]
    assert symbols == [kind.value.replace("-", "_") for kind in Kind] + ["unknown"]


@given(events, st.data())
def test_a_value_that_is_cut_is_refused(event: MessageEvent, data: Any) -> None:
    """No part of a value is taken for the whole."""
    value = envelope.encode(event)
    with pytest.raises(Undecodable):
        envelope.decode(value[: data.draw(st.integers(0, len(value) - 1))])


@given(st.binary(max_size=80))
def test_foreign_bytes_are_refused_or_are_an_event(raw: bytes) -> None:
    """Whatever stands behind the frame ends in an event or in Undecodable."""
    for value in (raw, header("message-event") + raw):
        try:
            assert isinstance(envelope.decode(value), MessageEvent)
        except Undecodable as error:
            assert str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value"),
        (b"\0\0\0", "shorter than a frame"),
        (b"{}....", "no zero byte"),
        (b"\0\0\0\0\2rest", "schema id 2 is alert, not message-event"),
        (b"\0\0\0\3\xe7rest", "schema id 999 is unknown, not message-event"),
    ],
)
def test_what_is_no_framed_event_says_why(value: bytes | None, reason: str) -> None:
    """The reason names what is wrong with the frame."""
    with pytest.raises(Undecodable, match=reason):
        envelope.decode(value)


def test_bytes_after_the_end_are_refused() -> None:
    """A record is read to its end and no further."""
    event = MessageEvent(
        event_id=bytes(16), kind=Kind.READ, occurred_at=0, observed_at=0, leg=bytes(16), message_key="k"
    )
    with pytest.raises(Undecodable, match="3 bytes after the end"):
        envelope.decode(envelope.encode(event) + b"...")
    assert len(envelope.encode(event)) > FRAME


@pytest.mark.parametrize(
    "fields", [{"size": 2**63}, {"offset": -(2**63) - 1}, {"recipients_expected": 2**31}, {"seq": 2**31}]
)
def test_a_number_that_no_schema_holds_is_refused(fields: dict[str, Any]) -> None:
    """A log may say any number; what Avro cannot hold is not written as something else."""
    event = MessageEvent(
        event_id=bytes(16), kind=Kind.READ, occurred_at=0, observed_at=0, leg=bytes(16), message_key="k", **fields
    )
    with pytest.raises(Undecodable, match="a number of"):
        envelope.encode(event)


def test_half_a_surrogate_pair_is_written_as_a_question_mark() -> None:
    """UTF-8 cannot say it, and an event is not lost for it."""
    event = MessageEvent(
        event_id=bytes(16), kind=Kind.READ, occurred_at=0, observed_at=0, leg=bytes(16), message_key="k"
    )
    odd = msgspec.structs.replace(event, host="a\ud800", attributes=("b\udfff",))
    back = envelope.decode(envelope.encode(odd))
    assert (back.host, back.attributes) == ("a?", ("b?",))


@pytest.mark.parametrize("fields", [{"kind": "unknown"}, {"traffic": "carrier pigeon"}])
def test_a_kind_or_class_that_is_not_ours_is_refused(fields: dict[str, str]) -> None:
    """A producer that knows more than we do is told so in the dead letters, and nothing is guessed."""
    event = MessageEvent(
        event_id=bytes(16), kind=Kind.READ, occurred_at=0, observed_at=0, leg=bytes(16), message_key="k"
    )
    out = io.BytesIO()
    fastavro.schemaless_writer(out, records.parsed("message-event"), msgspec.structs.asdict(event) | fields)
    value = header("message-event") + out.getvalue()
    with pytest.raises(Undecodable, match="not a MessageEvent"):
        envelope.decode(value)
    assert [index for index, _ in columns.read([value], [b"k"], ("kind",)).bad] == [0]
