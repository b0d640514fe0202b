"""`--check` is calm only where somebody would know of trouble."""

import time
from typing import Any
from unittest.mock import create_autospec

import click
import pytest

from streams.cli._calm import conclude
from streams.core.errors import Unavailable
from streams.kafka import broker, lag, progress
from streams.settings import Settings
from streams.warehouse.questions import Warehouse
from tests.kafka.memory import MemoryLog

SETTINGS = Settings(kafka_brokers="127.0.0.1:9")


def tick(age: float) -> dict[str, Any]:
    """The last tick that was fed, so many seconds old."""
    return {"through": round((time.time() - age) * 1_000_000), "behind": ["mx1"], "silent": []}


@pytest.fixture
def warehouse() -> Any:
    """The ledger's warehouse: nothing that was fed is derived."""
    made = create_autospec(Warehouse, instance=True)
    made.is_derived.return_value = False
    return made


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """The ledger's log."""
    made = MemoryLog(Settings())
    monkeypatch.setattr(broker, "KafkaLog", lambda _: made)
    return made


@pytest.fixture
def followed(log: MemoryLog) -> MemoryLog:
    """The same with a source that is followed."""
    writer = log.writer()
    writer.write("progress", *progress.declared("mx1", live=True, terms="", text=""))
    writer.flush()
    return log


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracker reads the ledger."""
    monkeypatch.setattr(lag, "says_tracked", lambda *_: True)


@pytest.mark.usefixtures("followed", "tracked")
def test_nothing_was_found_because_nobody_looked(warehouse: Any) -> None:
    """The clock stands still, or there is none: that is no calm."""
    with pytest.raises(Unavailable, match="the clock stands"):
        conclude(SETTINGS, warehouse, tick(3600), lambda: False)
    with pytest.raises(Unavailable, match="no tick was fed"):
        conclude(SETTINGS, warehouse, {}, lambda: False)
    conclude(SETTINGS, warehouse, tick(3), lambda: False)


@pytest.mark.usefixtures("followed")
def test_a_clock_that_goes_on_without_a_tracker_is_no_calm(warehouse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock writer and the feed work, and nobody looks for what is late."""
    monkeypatch.setattr(lag, "says_tracked", lambda *_: False)
    with pytest.raises(Unavailable, match="no tracker"):
        conclude(SETTINGS, warehouse, tick(3), lambda: False)


def test_an_import_that_nobody_judged_is_no_calm(warehouse: Any, log: MemoryLog) -> None:
    """It was read, and there is no clock; where nothing was read there is nothing to say."""
    conclude(SETTINGS, warehouse, {}, lambda: False)
    imported(log)
    with pytest.raises(Unavailable, match="has no clock"):
        conclude(SETTINGS, warehouse, {}, lambda: False)
    writer = log.writer()
    writer.write("progress", *progress.withdrawn("mx1"))
    writer.flush()
    conclude(SETTINGS, warehouse, {}, lambda: False)


@pytest.mark.usefixtures("followed")
def test_what_was_found_is_said_first(warehouse: Any) -> None:
    """Whatever the clock does."""
    with pytest.raises(click.exceptions.Exit) as ended:
        conclude(SETTINGS, warehouse, tick(3600), lambda: True)
    assert ended.value.exit_code == 1


def imported(log: MemoryLog) -> None:
    """Something was read, and nothing is followed."""
    writer = log.writer()
    writer.write("progress", *progress.declared("mx1", live=False, terms="", text=""))
    writer.write("progress", *progress.progressed("mx1", 5))
    writer.flush()


def test_an_import_has_a_clock_of_its_own(warehouse: Any, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is followed, so an old clock is as it should be, once all was judged."""
    imported(log)
    monkeypatch.setattr(lag, "waiting", lambda *_: "")
    warehouse.is_derived.return_value = True
    conclude(SETTINGS, warehouse, tick(10_000_000), lambda: False)


def test_what_was_judged_meanwhile_is_asked_for_again(
    warehouse: Any, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read, judged and fed after the list was."""
    imported(log)
    monkeypatch.setattr(lag, "waiting", lambda *_: "")
    warehouse.is_derived.return_value = True
    answers = iter((False, True))
    with pytest.raises(click.exceptions.Exit):
        conclude(SETTINGS, warehouse, tick(10_000_000), lambda: next(answers))


def test_an_import_that_is_being_judged_is_no_calm(
    warehouse: Any, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tracker or its feed has not read it all, or its warehouse has not derived it yet."""
    imported(log)
    monkeypatch.setattr(lag, "waiting", lambda *_: "546 records wait for custody-tracker-main")
    with pytest.raises(Unavailable, match="546 records wait for custody-tracker-main"):
        conclude(SETTINGS, warehouse, tick(10_000_000), lambda: False)
    monkeypatch.setattr(lag, "waiting", lambda *_: "")
    with pytest.raises(Unavailable, match="not at 1970-01-01 00:00:00Z yet"):
        conclude(SETTINGS, warehouse, tick(10_000_000) | {"through": 4}, lambda: False)
    with pytest.raises(Unavailable, match="not all that was fed is derived"):
        conclude(SETTINGS, warehouse, tick(10_000_000), lambda: False)


def test_without_brokers_nobody_knows_who_is_followed(warehouse: Any) -> None:
    """Who has only the warehouse asks only that."""
    conclude(Settings(), warehouse, tick(3600), lambda: False)
