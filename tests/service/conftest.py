"""The sample day in a ledger on the real stack with its four workers, for tests that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.cli.demo import wait
from streams.settings import Settings, load
from tests.conftest import Started

DAY = Path(__file__).parents[1] / "data" / "day"


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a stack whose ledger `main` has the sample day; nobody may change it."""
    data = tmp_path_factory.mktemp("day")
    with Started(data, CUSTODY_STACK_ROLES="clock,track,feed,cases"):
        told = CliRunner().invoke(custody, ["import", str(DAY / "sources.toml"), "--data", str(data), "--json"])
        assert told.exit_code == 0, told.output
        settings = load(data=data)
        wait(settings, lambda _: None)
        yield settings
