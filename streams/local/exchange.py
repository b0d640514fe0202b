"""One request and its answer: rows in, result out, in pieces, and errors in ClickHouse's words.

Rules:
- The first piece of a result is had before the status is sent, so that most errors get a status of their own; all do
  where the client waits for the end of the query.
- Where a result fails in the middle, the reason is written into it and the connection is torn, so that nobody takes
  half a result for a whole one.
- Work in the engine runs in a thread. A client that goes away takes its query with it, and the thread is waited for.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import aclosing
from typing import TypeVar

import msgspec
from aiohttp import hdrs, web

from streams.core.errors import Undecodable
from streams.local import codec, question
from streams.local.engine import Engine, Refused, Session, refused

PIECE = 1 << 21
"""Bytes of a body that are given to the engine at once."""
STATEMENT_LIMIT = 64 << 20
TOO_LARGE, CANNOT_DECOMPRESS, REQUIRED_PASSWORD = 307, 271, 194

NOT_FOUND = frozenset({46, 47, 50, 56, 60, 73, 81, 115})
BAD_REQUEST = frozenset({6, 26, 27, 33, 36, 38, 41, 42, 43, 44, 53, 62, 69, 70, 72, 117, 130, 271, 457})
STATUS = {48: 501, 159: 408, 164: 403, REQUIRED_PASSWORD: 401, TOO_LARGE: 413, 516: 403}
"""HTTP status by ClickHouse's code, as its own server maps them; 500 for the rest."""

CONTENT_TYPES = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
}
Result = TypeVar("Result")


class Exchange:
    """A request that was admitted, on its way to an answer."""

    def __init__(self, engine: Engine, threads: Executor, request: web.Request, asked: question.Question) -> None:
        """Nothing happens yet."""
        self._engine = engine
        self._threads = threads
        self._request = request
        self._asked = asked
        self._id = asked.query_id or str(uuid.uuid4())
        self._settings = {**asked.settings, **({"readonly": "2"} if request.method == hdrs.METH_GET else {})}

    async def answer(self) -> web.StreamResponse:
        """Ask the engine and answer."""
        try:
            async with aclosing(_clear(self._request)) as body:
                start = await _start(self._asked.sql.encode(), body)
                if not start.strip():
                    return web.Response(text="Ok.\n")  # ClickHouse's answer to a bare GET /
                return await self._converse(start, body)
        except Refused as refused:
            return failure(refused, self._engine.version, self._id)
        except Undecodable as broken:
            text = f"Code: {CANNOT_DECOMPRESS}. DB::Exception: {broken} (CANNOT_DECOMPRESS)"
            return failure(Refused(text, CANNOT_DECOMPRESS), self._engine.version, self._id)

    async def _converse(self, start: bytes, body: AsyncIterator[bytes]) -> web.StreamResponse:
        session = await self._run(lambda: self._engine.session(self._asked.database, self._settings, self._id))
        try:
            if rows := question.split(start):
                written = await self._insert(session, rows, body)
                return web.Response(headers=self._headers(written))
            start += b"".join([piece async for piece in _limited(body)])
            return await self._ask(session, start.decode("utf-8", "replace"))
        finally:
            await self._run(session.close)

    async def _insert(self, session: Session, rows: question.Rows, rest: AsyncIterator[bytes]) -> str:
        """Store the rows of the body; returns the summary."""
        insert = await self._run(lambda: session.begin(rows.sql, rows.input_format))
        is_whole = False
        try:
            await self._run(lambda: insert.append(rows.first))
            async for piece in rest:
                await self._run(lambda piece=piece: insert.append(piece))  # type: ignore[misc]
            is_whole = True
        finally:
            if not is_whole:
                await self._run(insert.cancel)
        return _summary(*await self._run(insert.finish))

    async def _ask(self, session: Session, sql: str) -> web.StreamResponse:
        asked = self._asked
        pieces = session.ask(sql, asked.output_format, asked.parameters, is_whole=asked.is_whole)
        first = await self._next(pieces)
        headers = self._headers(_summary(0, 0))
        name = headers["X-ClickHouse-Format"] = _line(session.output_format)
        headers["Content-Type"] = CONTENT_TYPES.get(name, "application/octet-stream")
        encoding = self._encoding() if first else ""
        if encoding:
            headers["Content-Encoding"] = encoding
        return await self._send(web.StreamResponse(headers=headers), codec.encoder(encoding), first, pieces)

    async def _send(
        self, response: web.StreamResponse, encoder: codec.Encoder, piece: bytes, pieces: Iterator[bytes]
    ) -> web.StreamResponse:
        await response.prepare(self._request)
        try:
            while piece:
                await response.write(encoder.feed(piece))
                piece = await self._next(pieces)
        except Refused as refused:
            await response.write(encoder.feed(f"\n{refused}\n".encode()) + encoder.finish())
            if self._request.transport is not None:
                self._request.transport.close()
            return response
        await response.write_eof(encoder.finish())
        return response

    async def _next(self, pieces: Iterator[bytes]) -> bytes:
        return await self._run(lambda: next(pieces, b""))

    async def _run(self, work: Callable[[], Result]) -> Result:
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._engine.kill(self._id)
            await asyncio.gather(future, return_exceptions=True)  # nobody is left to hear what it says
            raise

    def _encoding(self) -> str:
        wanted = self._asked.settings.get("enable_http_compression", "1") in question.TRUE
        return codec.agreed(self._request.headers.get(hdrs.ACCEPT_ENCODING, "")) if wanted else ""

    def _headers(self, summary: str) -> dict[str, str]:
        return {
            "X-ClickHouse-Server-Display-Name": "custody",
            "X-ClickHouse-Query-Id": _line(self._id),
            "X-ClickHouse-Timezone": _line(self._asked.settings.get("session_timezone", self._engine.timezone)),
            "X-ClickHouse-Summary": summary,
        }


def failure(refused: Refused, version: str, query_id: str) -> web.Response:
    """The answer that says why not, as ClickHouse says it."""
    headers = {"X-ClickHouse-Exception-Code": str(refused.code), "X-ClickHouse-Query-Id": _line(query_id)}
    if refused.code == REQUIRED_PASSWORD:
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    text = str(refused).rstrip()
    text += "\n" if "(version " in text else f" (version {version})\n"
    return web.Response(status=_status(refused.code), text=text, headers=headers)


def _line(text: str) -> str:
    """A client's word as a header may have it: nothing in it ends the line."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _status(code: int) -> int:
    if code in NOT_FOUND:
        return 404
    return 400 if code in BAD_REQUEST else STATUS.get(code, 500)


async def _start(sql: bytes, body: AsyncIterator[bytes]) -> bytes:
    """The beginning of the statement: all of it, or an INSERT up to its first rows."""
    start, between = bytearray(sql), b"\n" if sql else b""
    async for piece in _limited(body):
        start += between + piece
        between = b""
        if question.is_insert(start) and (len(start) > question.HEAD_LIMIT or question.split(bytes(start))):
            break
    return bytes(start)


async def _limited(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body that is a statement: rows may be endless, words may not."""
    size = 0
    async for piece in body:
        size += len(piece)
        if size > STATEMENT_LIMIT:
            raise refused(TOO_LARGE, "The statement is too large", "TOO_MANY_BYTES")
        yield piece


async def _clear(request: web.Request) -> AsyncGenerator[bytes, None]:
    """The request's body, decompressed, in pieces worth a walk to the engine."""
    decoder = codec.decoder(request.headers.get(hdrs.CONTENT_ENCODING, ""))
    gathered = bytearray()
    async for piece in request.content.iter_any():
        for clear in decoder.feed(piece):
            gathered += clear
            if len(gathered) >= PIECE:
                yield bytes(gathered)
                gathered.clear()
    decoder.finish()
    if gathered:
        yield bytes(gathered)


def _summary(rows: int, size: int) -> str:
    counts = {"read_rows": 0, "read_bytes": 0, "written_rows": rows, "written_bytes": size, "total_rows_to_read": 0}
    counts |= {"result_rows": rows, "result_bytes": size, "elapsed_ns": 0}
    return msgspec.json.encode({name: str(count) for name, count in counts.items()}).decode()
