"""What a person is told of a warehouse that does not answer."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import clickhouse_connect
import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from streams.cli._checks import examine
from streams.cli.app import custody
from streams.core.errors import Misuse, Unavailable
from streams.settings import Settings
from streams.warehouse.client import ASKING, LONG, connect
from streams.warehouse.questions import Warehouse


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
