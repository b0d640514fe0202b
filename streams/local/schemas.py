"""The packaged schemas behind the read-only part of a Confluent schema registry's interface.

Ordinary Avro consumers, producers that do not register, and ClickHouse's AvroConfluent format find their schemas here.
Subjects are named by topic (`message-events-value`); topics of every ledger carry the schemas of their kind.
"""

import json
from typing import Any

import msgspec
from aiohttp import web

from streams.kafka.topics import all_topics
from streams.wire import schemas

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
NO_SUBJECT, NO_VERSION, NO_SCHEMA, READ_ONLY = 40401, 40402, 40403, 42205
VALUE = "-value"


def routes() -> list[web.AbstractRouteDef]:
    """The routes of the interface."""
    return [
        web.get("/schemas/ids/{id:[0-9]{1,9}}", _by_id),
        web.get("/schemas/types", _types),
        web.get("/subjects", _subjects),
        web.get("/subjects/{subject}/versions", _versions),
        web.get("/subjects/{subject}/versions/{version}", _version),
        web.post("/subjects/{subject}", _look_up),
        web.post("/subjects/{subject}/versions", _refuse),
    ]


async def _by_id(request: web.Request) -> web.Response:
    number = int(request.match_info["id"])
    name = schemas.name_of(number)
    if name is None:
        return _error(404, NO_SCHEMA, f"Schema {request.match_info['id']} not found")
    return _answer({"schema": _text(name, number)})


async def _types(_request: web.Request) -> web.Response:
    return _answer(["AVRO"])


async def _subjects(_request: web.Request) -> web.Response:
    return _answer([topic.name + VALUE for topic in all_topics().values() if topic.schema])


async def _versions(request: web.Request) -> web.Response:
    name = _schema_of(request)
    return _no_subject(request) if name is None else _answer([*range(1, _last(name) + 1)])


async def _version(request: web.Request) -> web.Response:
    name = _schema_of(request)
    if name is None:
        return _no_subject(request)
    asked, last = request.match_info["version"], _last(name)
    known = {str(version): version for version in range(1, last + 1)} | {"latest": last, "-1": last}
    if asked not in known:
        return _error(404, NO_VERSION, f"Version {asked} not found.")
    return _answer(_entry(request.match_info["subject"], name, known[asked]))


async def _look_up(request: web.Request) -> web.Response:
    """Is this schema known under the subject: what a producer asks that may not register."""
    name = _schema_of(request)
    if name is None:
        return _no_subject(request)
    try:
        asked = json.loads((await request.json())["schema"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return _error(422, 42201, "Invalid schema")
    for version, number in enumerate(schemas.ids()[name], 1):
        if asked == schemas.schema(name, number):
            return _answer(_entry(request.match_info["subject"], name, version))
    return _error(404, NO_SCHEMA, "Schema not found")


async def _refuse(_request: web.Request) -> web.Response:
    return _error(422, READ_ONLY, "The packaged schemas are read-only; set registry_url to register others.")


def _schema_of(request: web.Request) -> str | None:
    """The schema of a subject: of the topic it names, whatever its ledger."""
    topic = request.match_info["subject"].removesuffix(VALUE)
    found = (entry for entry in all_topics().values() if topic == entry.name or topic.endswith(f"-{entry.name}"))
    longest = max(found, key=lambda entry: len(entry.name), default=None)
    return longest.schema if longest else None


def _entry(subject: str, name: str, version: int) -> dict[str, Any]:
    number = schemas.ids()[name][version - 1]
    return {"subject": subject, "version": version, "id": number, "schema": _text(name, number)}


def _last(name: str) -> int:
    """The last version of a schema; the first is 1."""
    return len(schemas.ids()[name])


def _text(name: str, number: int) -> str:
    return json.dumps(schemas.schema(name, number), separators=(",", ":"))


def _no_subject(request: web.Request) -> web.Response:
    return _error(404, NO_SUBJECT, f"Subject '{request.match_info['subject']}' not found.")


def _answer(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type=CONTENT_TYPE)


def _error(status: int, code: int, message: str) -> web.Response:
    return _answer({"error_code": code, "message": message}, status)
