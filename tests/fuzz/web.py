"""HTTP as a target: the embedded warehouse's interface and the schemas beside it, with an engine that answers anything.

An input is a request as it goes over the wire: the line, headers, an empty line, the body. What aiohttp itself would
refuse is no input of ours.
"""

import asyncio
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast
from unittest.mock import Mock

from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from streams.core.errors import Undecodable
from streams.local import codec, question
from streams.local.clickhouse import Server
from streams.local.engine import Engine, Refused, Session
from tests.fuzz.target import Target

PASSWORD = "p"  # noqa: S105 - of a server that is not there
MOST = 64 << 20
"""Clear bytes after which a body has shown that it has no end."""


class _Insert:
    """An insert into nothing."""

    def append(self, piece: bytes) -> None:
        """Rows that are no rows are refused."""
        if b"\xff" in piece:
            raise Refused("Code: 27. DB::Exception: no rows", 27)

    def finish(self) -> tuple[int, int]:
        """Nothing was stored."""
        return 0, 0

    def cancel(self) -> None:
        """Nothing to give up."""


class _Session(Session):
    """A session that repeats what it is asked."""

    def __init__(self) -> None:
        """Nobody is behind it."""
        self.output_format = ""

    def ask(
        self, sql: str, output_format: str, parameters: Mapping[str, str], *, is_whole: bool = False
    ) -> Iterator[bytes]:
        """The question is the answer."""
        del is_whole
        self.output_format = question.format_of(sql, output_format)
        yield (sql + output_format + "".join(parameters.values())).encode()

    def begin(self, sql: str, input_format: str) -> Any:
        """Any rows go."""
        del sql, input_format
        return _Insert()

    def close(self) -> None:
        """Nothing is open."""


class _Engine(Engine):
    """An engine without an engine."""

    def __init__(self) -> None:
        """Nothing to open."""
        self.version, self.timezone = "1.2.3", "UTC"

    def session(self, database: str, settings: Mapping[str, str], query_id: str) -> Session:
        """A session, unless a name cannot be one."""
        (database + query_id + "".join((*settings, *settings.values()))).encode()
        return _Session()

    def kill(self, query_id: str) -> None:
        """Nothing runs."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _app() -> web.Application:
    app = Server(_Engine(), PASSWORD).app()
    app.freeze()
    return app


def _request(data: bytes) -> web.Request | None:
    """The request of some bytes; None where they are none."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("utf-8", "surrogateescape").split("\n")
    method, _, path = first.partition(" ")
    lines = lines[:100]  # aiohttp takes no more
    headers = CIMultiDict((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    content = StreamReader(cast("Any", Mock(_reading_paused=False)), 1 << 22, loop=_loop())
    for at in range(0, len(body), 1 << 16):
        content.feed_data(body[at : at + (1 << 16)])
    content.feed_eof()
    try:
        return make_mocked_request(method, path, headers, payload=content, app=_app())
    except ValueError:
        return None


def _answered(data: bytes) -> None:
    """Every request has an answer, and none of its words ends a header's line."""
    _loop().run_until_complete(_answer(data))


async def _answer(data: bytes) -> None:
    request = _request(data)
    if request is None:
        return
    try:
        response = await _app()._handle(request)
    except web.HTTPException as refused:
        response = refused
    assert response.status < 500 or response.status == 501
    for name, value in response.headers.items():
        assert not {"\r", "\n", "\0"} & set(name + value)
        value.encode()


def _coded(data: bytes) -> None:
    """A compressed body is given in blocks, or refused."""
    decoder = codec.decoder(("", *codec.ENCODINGS)[data[0] % 5] if data else "")
    size = 0
    try:
        for at in range(1, len(data), 9_999):
            for clear in decoder.feed(data[at : at + 9_999]):
                size += len(clear)
                assert len(clear) <= max(codec.BLOCK, 9_999)
                if size > MOST:
                    return
        decoder.finish()
    except Undecodable:
        return


def _statement(data: bytes) -> None:
    """A statement is told apart in one pass."""
    if question.is_insert(data):
        rows = question.split(data)
        assert rows is None or data.endswith(rows.first)
    question.format_of(data.decode("utf-8", "replace"), "CSV")


def _requests() -> list[bytes]:
    key = b"X-ClickHouse-User: custody\nX-ClickHouse-Key: p\n"
    return [
        b"POST /?query_id=a&database=b&max_threads=2\n" + key + b"\nSELECT 1 FORMAT JSON",
        b"GET /?query=SELECT+1&user=custody&password=p&param_x=%27\nAccept-Encoding: zstd, lz4\n\n",
        b"POST /\n" + key + b"Content-Encoding: gzip\n\n" + codec.encoder("gzip").feed(b"INSERT INTO t VALUES (1)"),
        b"POST /?query=INSERT+INTO+t+FORMAT+CSV\nAuthorization: Basic Y3VzdG9keTpw\n\n1,2\n3,4\n",
        b"POST /subjects/message-events-value\nContent-Type: application/json\n\n" + b'{"schema":"{}"}',
        b"GET /schemas/ids/1\n\n",
        b"GET /subjects/alerts-value/versions/latest\n\n",
    ]


def _bodies() -> list[bytes]:
    found = []
    for number, name in enumerate(("", *codec.ENCODINGS)):
        encoder = codec.encoder(name)
        body = encoder.feed(b"rows and rows " * 50) + encoder.feed(bytes(1 << 22)) + encoder.finish()
        found += [bytes((number,)) + body[:60_000], bytes((number,)) + body[:200]]
    return found


def _statements() -> list[bytes]:
    return [
        b"INSERT INTO t (a, b) FORMAT RowBinary\n\1\2",
        b"/* a */ -- b\nINSERT INTO `t` VALUES ('x\\'', 1), (2)",
        b"SELECT * FROM t WHERE a = 'FORMAT' FORMAT JSONEachRow SETTINGS max_threads=1;",
        b"INSERT INTO t SELECT 1",
    ]


_SQL = (b"INSERT INTO ", b"FORMAT ", b" VALUES ", b"SELECT ", b"/*", b"*/", b"/**/", b"--", b"\\'", b"`", b"SETTINGS ")

TARGETS = (
    Target(
        name="request", run=_answered, seeds=_requests, rounds=1200,
        words=(*_SQL, b"%0d%0a", b"%00", b"%ff", b"&", b"Authorization: Basic ", b"charset=x",
               b"Content-Encoding: zstd\n", b"multipart/form-data", b"default_format=", b"session_timezone="),
    ),
    Target(
        name="body", run=_coded, seeds=_bodies, rounds=250,
        words=(b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x1f\x8b\x08"),
    ),
    Target(name="statement", run=_statement, seeds=_statements, words=_SQL, rounds=1500),
)  # fmt: skip
