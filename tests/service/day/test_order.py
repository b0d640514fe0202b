"""The sample day once more, its sources imported the other way round, into a ledger of its own on the real stack."""

import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.settings import Settings
from streams.warehouse.client import ask, connect
from tests.service.day.oracle import DAY
from tests.service.trackers import settled

VIEWS = ("custody", "legs", "copies", "entries", "alerts", "events", "rejections", "reliability")

ELSEWHERE = {"observed_at", "log_partition", "log_offset"}
"""When evidence was read, and where it stands in the log."""

ORDER = "reports,store-log,dest-log,relay-log,origin-log"
"""The other way round than they are declared."""


@pytest.fixture(scope="module")
def other(day: Settings) -> Iterator[Settings]:
    """A ledger with workers of its own, in which the last source was read first."""
    settings = msgspec.structs.replace(day, ledger="reversed")
    where = ("--data", str(day.data), "--ledger", settings.ledger)
    command = (sys.executable, "-m", "streams.cli", "worker", "--roles", "clock,track,feed,cases", *where)
    worker = subprocess.Popen(command)  # noqa: S603 - ourselves
    try:
        told = CliRunner().invoke(custody, ["import", str(DAY / "sources.toml"), "--order", ORDER, *where, "--json"])
        assert told.exit_code == 0, told.output
        settled(settings)
        yield settings
    finally:
        worker.terminate()
        assert worker.wait(60) == 0


@pytest.mark.parametrize("view", VIEWS)
def test_the_order_of_sources_changes_no_row(day: Settings, other: Settings, view: str) -> None:
    """Custody, stays, copies, alarms to the microsecond, and figures: that one is as the oracle says, others show."""
    columns = ask(connect(day), f"DESCRIBE {view}")
    names = ", ".join(row["name"] for row in columns if row["name"] not in ELSEWHERE)
    question = f"SELECT {names} FROM {view} ORDER BY ALL"  # noqa: S608 - our views
    ones, others = (ask(connect(settings), question) for settings in (day, other))
    assert ones == others
    assert ones
