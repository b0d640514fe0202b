"""The contracts: schemas, their ids, their examples, the topics that use them, and what AMHS must be able to log."""

import io
import json
import tomllib
from importlib.resources import files
from typing import Any

import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException

from streams.core.events import Kind, MessageEvent, Traffic
from streams.kafka.topics import all_topics
from streams.wire import envelope, records
from streams.wire.schemas import ids, schema

SCHEMAS = files("schemas")
NAMES = sorted(file.name.removesuffix(".avsc") for file in (SCHEMAS / "events").iterdir() if "@" not in file.name)
SAMPLES: dict[str, Any] = {
    "priority": 4,
    "recipients_expected": 2,
    "size": 2048,
    "next_leg": b"n" * 16,
    "subject_event": b"s" * 16,
    "traffic": Traffic.REPORT,
}
"""Values of fields that are no texts."""


def versions(name: str) -> list[str]:
    """The texts of a schema's versions, oldest first; older ones are kept as NAME@ID.avsc."""
    held = [(SCHEMAS / "events" / f"{name}@{number}.avsc") for number in ids()[name][:-1]]
    return [file.read_text(encoding="utf-8") for file in (*held, SCHEMAS / "events" / f"{name}.avsc")]


def compatible(reader: str, writer: str) -> bool:
    """Does the official checker say that `reader` reads what `writer` wrote."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    found = checker.get_compatibility(avro.schema.parse(reader), avro.schema.parse(writer))
    return bool(found.compatibility is SchemaCompatibilityType.compatible)


def test_every_schema_has_its_ids_without_a_gap() -> None:
    """Ids are given one after the other, once each, in the order of a schema's versions."""
    assert sorted(ids()) == NAMES
    given = sorted(number for numbers in ids().values() for number in numbers)
    assert given == list(range(1, len(given) + 1))
    assert all(numbers == sorted(numbers) for numbers in ids().values())


@pytest.mark.parametrize("name", NAMES)
def test_what_an_id_stands_for_never_changes(name: str) -> None:
    """Who reads an old record reads it by the text that its id had: another text needs another id."""
    known = tomllib.loads((SCHEMAS / "ids.toml").read_text(encoding="utf-8"))[name]["fingerprints"]
    assert [avro.schema.parse(text).fingerprint().hex() for text in versions(name)] == known


@pytest.mark.parametrize("name", NAMES)
def test_each_version_reads_what_older_ones_wrote(name: str) -> None:
    """The official avro package parses every version and finds the last compatible with all."""
    texts = versions(name)
    assert all(compatible(texts[-1], text) for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_without_default_would_be_noticed(name: str) -> None:
    """The checker bites: a new field without a default cannot read what we wrote."""
    newer = schema(name)
    newer = newer | {"fields": [*newer["fields"], {"name": "later", "type": "string"}]}
    assert not compatible(json.dumps(newer), versions(name)[-1])


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_names_its_enums_default_and_documents_its_fields(name: str) -> None:
    """A symbol that comes later is read as the default, and every field says what it is."""
    for field in schema(name)["fields"]:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        assert all(kind["default"] in kind["symbols"] for kind in kinds if isinstance(kind, dict) and "symbols" in kind)
        assert field.get("doc"), f"{name}.{field['name']}"


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_every_schema_decodes(name: str) -> None:
    """schemas/examples/NAME.json is a record in Avro's JSON form, and survives our framing."""
    text = (SCHEMAS / "examples" / f"{name}.json").read_text(encoding="utf-8")
    (record,) = fastavro.json_reader(io.StringIO(json.dumps(json.loads(text))), records.parsed(name))
    assert records.decode(name, records.encode(name, record)) == record  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_field_is_refused(name: str) -> None:
    """A misspelt field is an error of ours and not lost in silence."""
    text = (SCHEMAS / "examples" / f"{name}.json").read_text(encoding="utf-8")
    (record,) = fastavro.json_reader(io.StringIO(json.dumps(json.loads(text))), records.parsed(name))
    with pytest.raises(ValueError, match="misspelt"):
        records.encode(name, {**record, "misspelt": 1})  # type: ignore[dict-item]


def test_every_schema_has_its_topic_and_every_topic_its_schema() -> None:
    """Nothing is described that nobody writes; the tracker's segments alone are no Avro."""
    used = {topic.schema for topic in all_topics().values()}
    assert used - {None} == set(NAMES)
    assert [topic.name for topic in all_topics().values() if topic.schema is None] == ["custody-snapshots"]


def icao() -> list[tuple[str, dict[str, Any]]]:
    """The parameters of ICAO Doc 9880, and the class of what they are logged of."""
    text = (SCHEMAS / "icao-9880.toml").read_text(encoding="utf-8")
    return [(of, entry) for of, letters in tomllib.loads(text).items() for entry in letters.values()]


def test_amhs_has_its_fourteen_and_twelve_parameters() -> None:
    """Doc 9880 Part IIB 3.2.3 lists a to n for a message and a to l for a report."""
    mapped = tomllib.loads((SCHEMAS / "icao-9880.toml").read_text(encoding="utf-8"))
    assert {of: "".join(letters) for of, letters in mapped.items()} == {
        "message": "abcdefghijklmn",
        "report": "abcdefghijkl",
    }


@pytest.mark.parametrize(("of", "entry"), icao())
def test_an_event_carries_each_parameter_of_amhs(of: str, entry: dict[str, Any]) -> None:
    """Every parameter comes back from the wire in the fields that the mapping names."""
    names = [name for name in entry["fields"] if "." not in name]
    attributes = tuple(f"{name.partition('.')[2]}=value" for name in entry["fields"] if "." in name)
    times = {"occurred_at": 1_795_424_400_000_001, "observed_at": 1_795_424_400_000_002}
    given = times | {name: SAMPLES.get(name, f"{of} {name}") for name in names if name not in times}
    event = MessageEvent(
        event_id=bytes(16), leg=bytes(16), kind=Kind(entry["kind"]), message_key="k", attributes=attributes, **given
    )
    back = envelope.decode(envelope.encode(event))
    assert {name: getattr(back, name) for name in given} == given
    assert back.attributes == attributes


def test_what_is_no_schema_is_refused_by_the_official_parser() -> None:
    """The checker is not one that takes everything."""
    with pytest.raises(AvroException):
        avro.schema.parse('{"type": "record", "name": "X"}')
