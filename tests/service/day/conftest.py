"""The sample day in a ledger on the real stack with its four workers, for tests that only look."""

import json
import lzma
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.settings import Settings, load
from tests.conftest import Started
from tests.service.day.oracle import DAY
from tests.service.trackers import settled

HERE = Path(__file__).parent

Say = Callable[[str], Any]
"""Runs a command, as it is typed."""


@pytest.fixture(scope="package")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a stack whose ledger `main` has the sample day; nobody may change it."""
    data = tmp_path_factory.mktemp("day")
    with Started(data, CUSTODY_STACK_ROLES="clock,track,feed,cases"):
        told = CliRunner().invoke(custody, ["import", str(DAY / "sources.toml"), "--data", str(data), "--json"])
        assert told.exit_code == 0, told.output
        settings = load(data=data)
        settled(settings)
        yield settings


@pytest.fixture
def changed_day(day: Settings) -> Settings:
    """The same for a test that does change it: such tests run after all that only look."""
    return day


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that change the sample day come last of those that look at it, in whatever modules they stand."""
    mine = [number for number, item in enumerate(items) if item.path.is_relative_to(HERE)]
    ours = sorted(
        (items[number] for number in mine), key=lambda item: "changed_day" in getattr(item, "fixturenames", ())
    )
    for number, item in zip(mine, ours, strict=True):
        items[number] = item


@pytest.fixture(scope="package")
def expected() -> Any:
    """The oracle: an independent reading of the day's evidence."""
    return json.loads(lzma.decompress((DAY / "expected.json.xz").read_bytes()))


@pytest.fixture(scope="package")
def say(day: Settings) -> Say:
    """Runs a command on the sample day."""

    def run(words: str) -> Any:
        return CliRunner().invoke(custody, [*shlex.split(words), "--data", str(day.data)])

    return run


@pytest.fixture(scope="package")
def told(say: Say) -> Say:
    """The same as data."""

    def run(words: str) -> Any:
        result = say(f"{words} --json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run
