"""The packaged schemas behind a registry's face, as ordinary Avro consumers ask for them."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import pytest

from streams.settings import Settings, running
from streams.wire import records, schemas

pytestmark = pytest.mark.service

PROGRESS: dict[str, Any] = {"source": "mx1", "kind": "progressed", "at": 5, "through": 4}


@pytest.fixture
def connection(stack: Settings) -> Iterator[HTTPConnection]:
    """A connection to the registry that the running stack names."""
    there = running(stack.data)
    assert there is not None
    with closing(HTTPConnection(urlsplit(there.schemas_url).netloc, timeout=30)) as opened:
        yield opened


def _get(connection: HTTPConnection, path: str) -> tuple[int, Any]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def _post(connection: HTTPConnection, path: str, value: object) -> tuple[int, Any]:
    connection.request("POST", path, json.dumps(value))
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.parametrize("name", schemas.ids())
def test_every_schema_is_found_by_its_id(connection: HTTPConnection, name: str) -> None:
    """The id in a record's frame leads to the schema it was written with."""
    status, answer = _get(connection, f"/schemas/ids/{schemas.id_of(name)}")
    assert (status, json.loads(answer["schema"])) == (200, schemas.schema(name))


def test_subjects_are_named_by_topic(connection: HTTPConnection) -> None:
    """A topic's subject has the schema of its values, in every ledger."""
    assert "message-events-value" in _get(connection, "/subjects")[1]
    for subject in ("message-events-value", "drill-message-events-value"):
        status, entry = _get(connection, f"/subjects/{subject}/versions/latest")
        assert (status, entry["subject"], entry["id"]) == (200, subject, schemas.id_of("message-event"))
        assert _get(connection, f"/subjects/{subject}/versions")[1] == [entry["version"]]
    assert _get(connection, "/schemas/types") == (200, ["AVRO"])


def test_a_dead_letter_topic_is_not_taken_for_its_origin(connection: HTTPConnection) -> None:
    """`message-events-dlq` has its own schema, not that of `message-events`."""
    entry = _get(connection, "/subjects/message-events-dlq-value/versions/latest")[1]
    assert entry["id"] == schemas.id_of("dead-letter")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/schemas/ids/9999", 40403),
        ("/subjects/nothing-value/versions", 40401),
        ("/subjects/nothing-value/versions/latest", 40401),
        ("/subjects/alerts-value/versions/99", 40402),
    ],
)
def test_what_is_unknown_is_said_in_the_registrys_words(connection: HTTPConnection, path: str, code: int) -> None:
    """An unknown id, subject or version has the error code that registry clients know."""
    status, answer = _get(connection, path)
    assert (status, answer["error_code"]) == (404, code)


def test_a_producer_finds_its_schema_and_cannot_register(connection: HTTPConnection) -> None:
    """A known schema is found by its text; another is not, and none can be added."""
    text = json.dumps(schemas.schema("alert"))
    assert _post(connection, "/subjects/alerts-value", {"schema": text})[1]["id"] == schemas.id_of("alert")
    assert _post(connection, "/subjects/alerts-value", {"schema": '"string"'})[0] == 404
    assert _post(connection, "/subjects/nothing-value", {"schema": text})[0] == 404
    assert _post(connection, "/subjects/alerts-value", ["no object"])[0] == 422
    assert _post(connection, "/subjects/alerts-value/versions", {"schema": text})[0] == 422


def test_clickhouse_reads_framed_records(stack: Settings, ledger: str) -> None:
    """ClickHouse's AvroConfluent format fetches our schema itself and reads a framed record."""
    there = running(stack.data)
    assert there is not None
    settings = {"format_avro_schema_registry_url": there.schemas_url}
    with closing(clickhouse_connect.get_client(**stack.clickhouse_client())) as client:
        client.command("CREATE TABLE {t:Identifier} (source String, at DateTime64(6)) ORDER BY at", {"t": ledger})
        value = records.encode("progress", PROGRESS)
        client.raw_insert(ledger, insert_block=value, fmt="AvroConfluent", settings=settings)
        assert client.query("SELECT source FROM {t:Identifier}", {"t": ledger}).result_rows == [("mx1",)]
