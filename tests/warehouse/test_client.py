"""What a person is told of a warehouse that does not answer."""

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import clickhouse_connect
import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from streams.cli.app import custody
from streams.core.errors import Misuse, Unavailable
from streams.settings import Settings
from streams.warehouse.client import ASKING, LONG
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
