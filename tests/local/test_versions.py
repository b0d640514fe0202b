"""The registry's face of a schema that has changed: what was written before is still read."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from streams.local.schemas import routes
from streams.wire import schemas

TEXTS: dict[int | None, Any] = {2: "bytes", 9: "string"}


@pytest.fixture(autouse=True)
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema of alerts has two versions."""
    monkeypatch.setattr(schemas, "ids", lambda: {"alert": [2, 9]})
    monkeypatch.setattr(schemas, "name_of", lambda number: "alert" if number in TEXTS else None)
    monkeypatch.setattr(schemas, "schema", lambda _, number=9: TEXTS[number])


def _asked(path: str, sent: object = None) -> Any:
    """The answer of the route that a path leads to."""

    async def answered() -> Any:
        app = web.Application()
        app.add_routes(routes())
        request = make_mocked_request("GET" if sent is None else "POST", path, app=app)
        match = await app.router.resolve(request)
        request._match_info = match
        request._read_bytes = json.dumps(sent).encode()
        answer: Any = await match.handler(request)
        return json.loads(answer.body)

    return asyncio.run(answered())


@pytest.mark.parametrize("number", [2, 9])
def test_an_id_leads_to_its_own_text(number: int) -> None:
    """Not to the last version's: a record is read as it was written."""
    assert json.loads(_asked(f"/schemas/ids/{number}")["schema"]) == TEXTS[number]


def test_every_version_is_known() -> None:
    """From 1 on, each with its id; the last one by name, too."""
    assert _asked("/subjects/alerts-value/versions") == [1, 2]
    for asked, version, number in (("1", 1, 2), ("2", 2, 9), ("latest", 2, 9), ("-1", 2, 9)):
        entry = _asked(f"/subjects/alerts-value/versions/{asked}")
        assert (entry["version"], entry["id"], json.loads(entry["schema"])) == (version, number, TEXTS[number])
    for unknown in ("0", "3", "01"):
        assert _asked(f"/subjects/alerts-value/versions/{unknown}")["error_code"] == 40402


@pytest.mark.parametrize(("text", "number"), [("bytes", 2), ("string", 9)])
def test_a_producer_finds_its_own_version(text: str, number: int) -> None:
    """One that still writes the older finds it."""
    assert _asked("/subjects/alerts-value", {"schema": json.dumps(text)})["id"] == number
