"""What a person is told of a warehouse that does not answer, or refuses; and whom it lets only read."""

import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from unittest.mock import Mock

import clickhouse_connect
import msgspec
import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, ProgrammingError
from clickhouse_connect.driver.models import SettingDef
from urllib3 import PoolManager

from streams.cli._checks import examine
from streams.cli.app import custody
from streams.core.errors import Misuse, Unavailable
from streams.settings import Settings
from streams.warehouse.client import ASKING, LONG, ask, connect, first_line
from streams.warehouse.questions import Warehouse
from streams.warehouse.store import ClickHouse


@pytest.fixture
def frozen() -> Iterator[Settings]:
    """A warehouse that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Settings(clickhouse_url=f"http://127.0.0.1:{listening.getsockname()[1]}")


def test_a_frozen_warehouse_is_told_after_its_patience(frozen: Settings) -> None:
    """A question is not asked for longer than whoever asks it has patience; the sentence says who was silent."""
    with pytest.raises(Unavailable, match=r"^The warehouse does not answer: nothing within 1 s$"):
        Warehouse.of(frozen, patience=1)


class Host:
    """A host that answers whatever it is asked in the same way, and keeps what it was sent."""

    def __init__(self, status: int, **headers: str) -> None:
        """`headers` are those of its answer."""
        self.heard: list[bytes] = []
        kept = self.heard

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Answer until the block ends."""
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_is_told_and_not_followed(tmp_path: Path, status: int) -> None:
    """Another host would get the whole request; the sentence says which one was named."""
    with Host(200) as other, Host(status, Location=f"{other.url}/elsewhere") as warehouse:
        with pytest.raises(
            Unavailable, match=f"names another place, {other.url}/elsewhere, .* is clickhouse_url right"
        ):
            connect(Settings(clickhouse_url=warehouse.url))
        findings = {finding.name: finding for finding in examine(Settings(data=tmp_path, clickhouse_url=warehouse.url))}
        assert f"names another place, {other.url}" in findings["warehouse"].said
        assert warehouse.heard
        assert other.heard == []


UNKNOWN = {"X-ClickHouse-Exception-Code": "516"}
"""AUTHENTICATION_FAILED."""


def test_who_the_warehouse_does_not_know_is_told_so(tmp_path: Path) -> None:
    """It answers, so nobody waits for it; user and settings are named, and the doctor says the same."""
    with Host(403, **UNKNOWN) as warehouse:
        settings = Settings(data=tmp_path, clickhouse_url=warehouse.url, clickhouse_user="eve")
        with pytest.raises(Misuse, match=r"^The warehouse refuses the user eve\.$") as refused:
            connect(settings)
        findings = {finding.name: finding for finding in examine(settings)}
    assert refused.value.hint.startswith("set clickhouse_user and clickhouse_password_file")
    for name in ("warehouse", "derivation"):
        found = findings[name]
        assert (found.ok, found.said, found.advice) == (False, str(refused.value), refused.value.hint)


def test_a_feed_waits_until_the_warehouse_knows_it() -> None:
    """A password is changed on both sides, and not at one moment."""
    with Host(403, **UNKNOWN) as warehouse:
        store = ClickHouse(Settings(clickhouse_url=warehouse.url))
        with pytest.raises(Unavailable, match=r"^The warehouse refuses the user custody\.$"):
            store.prepare()


@pytest.mark.service
def test_the_engine_refuses_a_wrong_password(stack: Settings, tmp_path: Path) -> None:
    """And none."""
    wrong = tmp_path / "password"
    wrong.write_text("wrong", encoding="utf-8")
    for file in (wrong, None):
        with pytest.raises(Misuse, match="refuses the user custody"):
            connect(msgspec.structs.replace(stack, clickhouse_password_file=file), database=False)


@pytest.mark.parametrize(
    ("words", "patience"), [(["alerts"], ASKING), (["sql", "SELECT 1"], LONG)], ids=["list", "sql"]
)
def test_only_a_free_question_may_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], patience: int
) -> None:
    """The lists give up sooner than who asks in SQL."""
    patiences = []

    def refuse(**options: Any) -> None:
        patiences.append(options["send_receive_timeout"])
        raise OperationalError("away")

    monkeypatch.setattr(clickhouse_connect, "get_client", refuse)
    monkeypatch.setenv("CUSTODY_CLICKHOUSE_URL", "http://127.0.0.1:9")
    told = CliRunner().invoke(custody, [*words, "--data", str(tmp_path)])
    assert (type(told.exception), patiences) == (Unavailable, [patience])


def test_a_ledger_that_the_warehouse_has_not_is_refused_with_those_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names that people give them."""
    names = ["INFORMATION_SCHEMA", "custody", "custody_drill", "default"]
    answer = SimpleNamespace(column_names=["name"], result_rows=[(name,) for name in names])

    def client(*, database: str, **_: Any) -> Any:
        if database != "default":
            raise DatabaseError("Code: 81. DB::Exception: Database custody_nope does not exist. (UNKNOWN_DATABASE)")
        return SimpleNamespace(query=lambda *_, **__: answer, close=lambda: None)

    monkeypatch.setattr(clickhouse_connect, "get_client", client)
    with pytest.raises(Misuse, match=r"^There is no ledger 'nope'\.$") as refused:
        Warehouse.of(Settings(clickhouse_url="http://127.0.0.1:9", ledger="nope"))
    assert refused.value.hint.startswith("there are: main, drill; ")


@pytest.mark.service
@pytest.mark.parametrize("profile", ["", "&readonly=1", "&readonly=2"])
def test_a_user_may_be_read_only_already(stack: Settings, monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    """The engine has no profiles: what one says is added to every request, below the client."""
    request = PoolManager.request

    def restricted(self: PoolManager, method: str, url: str, **kept: Any) -> Any:
        return request(self, method, url + profile, **kept)

    monkeypatch.setattr(PoolManager, "request", restricted)
    client = connect(stack, database=False, readonly=True)
    assert ask(client, "SELECT getSetting('readonly') > 0 AS is_readonly") == [{"is_readonly": True}]
    with pytest.raises(Misuse, match="in readonly mode"):
        ask(client, "CREATE DATABASE nobody_may")


def test_who_cannot_be_made_read_only_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may write and may not renounce it asks nothing; the sentence says what is wrong."""
    locked = Mock(server_settings={"readonly": SettingDef("readonly", "0", 1)})
    locked.set_client_setting.side_effect = ProgrammingError("Setting readonly is readonly")
    monkeypatch.setattr(clickhouse_connect, "get_client", lambda **_: locked)
    with pytest.raises(Misuse, match=r"^The warehouse refuses: Setting readonly is readonly$"):
        Warehouse.of(Settings(clickhouse_url="http://127.0.0.1:9"))


def test_the_query_is_not_repeated() -> None:
    """The engine's sentence is told whole, without the query that it ends with."""
    said = "Code: 164. DB::Exception: Cannot modify 'a' setting in readonly mode: (in query: SELECT 1\n SETTINGS a=1)."
    assert first_line(OperationalError(said)) == "Cannot modify 'a' setting in readonly mode"


def test_the_client_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its warnings go to whoever set up logging, and not bare to the screen."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logging.getLogger("clickhouse_connect.driver.httpclient").warning("Unexpected Http Driver Exception")
    assert capfd.readouterr() == ("", "")
