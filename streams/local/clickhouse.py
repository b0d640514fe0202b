"""ClickHouse's HTTP interface over the engine in this process: `python -m streams.local.clickhouse`.

Rules:
- Loopback only, and a generated password is the only wall: every query must bring it. An empty one is none.
- clickhouse-connect, curl and JSON dashboards work as against a server. What is missing is refused, not faked: external
  tables, ClickHouse's own block compression (`decompress=1`), sessions across requests.
"""

import argparse
import asyncio
import hmac
import logging
import secrets
import signal
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from streams import files
from streams.local import question, schemas
from streams.local.engine import Engine, Refused, refused
from streams.local.exchange import REQUIRED_PASSWORD, Exchange, failure
from streams.local.part import SLOW, Part
from streams.local.ports import LOOPBACK, Ports

USER = "custody"
LONGEST_URL = 1 << 20
"""Bytes, as ClickHouse's own server takes: parameters stand in the URL."""
LONGEST_PATH = 1 << 10
"""Characters before the parameters."""
READ_AHEAD = 4 << 20
"""Bytes of a body that may wait for the engine: with aiohttp's 64 KB, reading would stop and go on at every piece."""
THREADS = 16
"""Requests inside the engine at once; more wait."""
NOT_IMPLEMENTED, AUTHENTICATION_FAILED = 48, 516
MISSING = ("compress", "decompress")


def warehouse(data: Path, ports: Ports) -> Part:
    """The warehouse's process, ready to be started; its password is made on the first call."""
    log, home = data / "log", data / "clickhouse"
    for folder in (log, home):
        files.make_folder(folder)
    _make_password(password_file(data))
    arguments = ("--path", str(home), "--port", str(ports.clickhouse))
    secret = ("--password-file", str(password_file(data)))
    command = (sys.executable, "-m", "streams.local.clickhouse", *arguments, *secret)
    file, port = log / "clickhouse.log", ports.clickhouse
    return Part(name="clickhouse", command=command, log=file, port=port, start_patience=SLOW)


def password_file(data: Path) -> Path:
    """Where the password of a data directory's warehouse is."""
    return data / "secrets" / "clickhouse"


def _make_password(file: Path) -> None:
    if file.exists() and file.read_bytes().strip():
        return
    files.make_folder(file.parent)
    files.store(file, secrets.token_urlsafe(24).encode())


class Server:
    """The handlers: one engine, one password."""

    def __init__(self, engine: Engine, password: str) -> None:
        """Serve an engine to whoever knows the password; to nobody, where it is empty."""
        self._engine = engine
        self._password = password.encode()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="engine")

    def app(self) -> web.Application:
        """The application."""
        app = web.Application()
        app.router.add_get("/ping", _ping)
        app.add_routes(schemas.routes())
        app.router.add_route(hdrs.METH_ANY, "/", self.answer)
        app.on_cleanup.append(self._close)
        _refuse_long_paths(app)
        return app

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request of ClickHouse's HTTP interface."""
        asked = question.read(request.query, request.headers)
        try:
            self._admit(asked)
            _refuse_missing(request)
        except Refused as refused:
            return failure(refused, self._engine.version, str(uuid.uuid4()))
        return await Exchange(self._engine, self._threads, request, asked).answer()

    def _admit(self, asked: question.Question) -> None:
        right = hmac.compare_digest(asked.password.encode(), self._password) and asked.user == USER
        if right and asked.password:
            return
        if not asked.user and not asked.password:
            raise refused(REQUIRED_PASSWORD, "Authentication is required", "REQUIRED_PASSWORD")
        reason = f"{asked.user or 'default'}: Authentication failed: password is incorrect, or there is no such user"
        raise refused(AUTHENTICATION_FAILED, reason, "AUTHENTICATION_FAILED")

    async def _close(self, app: web.Application) -> None:
        del app
        self._threads.shutdown()
        self._engine.close()


def _refuse_long_paths(app: web.Application) -> None:
    """A path of slashes takes aiohttp's router a time that grows with its square, and no password is asked before."""
    resolve = app.router.resolve

    async def short(request: web.Request) -> web.UrlMappingMatchInfo:
        if len(request.rel_url.raw_path) > LONGEST_PATH:
            raise web.HTTPRequestURITooLong
        return await resolve(request)

    app.router.resolve = short  # type: ignore[method-assign]  # a router of one's own is deprecated


def _refuse_missing(request: web.Request) -> None:
    if request.content_type == "multipart/form-data":
        raise refused(NOT_IMPLEMENTED, "External tables are not served here", "NOT_IMPLEMENTED")
    for name in MISSING:
        if request.query.get(name, "0") not in {"0", "false"}:
            raise refused(NOT_IMPLEMENTED, f"{name}=1 is not served here; use Content-Encoding", "NOT_IMPLEMENTED")


async def _ping(request: web.Request) -> web.Response:
    """The answer to "are you there"."""
    del request
    return web.Response(text="Ok.\n")


def main() -> None:
    """Serve a path until told to stop."""
    arguments = argparse.ArgumentParser(prog="streams.local.clickhouse")
    arguments.add_argument("--path", type=Path, required=True)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--password-file", type=Path, required=True)
    given = arguments.parse_args()
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(levelname)s %(message)s")
    password = given.password_file.read_text(encoding="utf-8").strip()
    if not password:
        sys.exit(f"The password file {given.password_file} is empty: anybody would know the password.")
    asyncio.run(_serve(given.path, given.port, password))


async def _serve(path: Path, port: int, password: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(Engine(path), password)
    # Bodies are decompressed here (aiohttp stops at the first frame); a client that goes away cancels its handler.
    options: dict[str, Any] = {"auto_decompress": False, "handler_cancellation": True, "access_log": None}
    options |= {"max_line_size": LONGEST_URL, "max_field_size": LONGEST_URL, "read_bufsize": READ_AHEAD}
    runner = web.AppRunner(server.app(), shutdown_timeout=5, **options)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    main()
