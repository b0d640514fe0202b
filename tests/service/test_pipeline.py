"""The whole pipeline on the real broker and engine, with its four workers: from evidence to answers."""

import json
import lzma
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.core.terms import SECOND
from streams.kafka.broker import KafkaLog
from streams.kafka.progress import all_progress, progressed
from streams.kafka.terms import terms_of
from streams.settings import ROLES, Settings, load
from streams.track.replay import Replay, compare, live
from streams.warehouse.client import ask
from streams.warehouse.questions import Warehouse
from tests.service.trackers import settled

DAY = Path(__file__).parents[1] / "data" / "day"

EVERYTHING = 4467 + 7480 + 2565 + 2581 + 270
"""Lines and mails of the sample day."""

PATIENCE = 120
"""Seconds until something must have come."""

pytestmark = pytest.mark.service


def imported(data: Path, *more: str) -> dict[str, Any]:
    """`custody import` of the sample day; what it says."""
    result = CliRunner().invoke(custody, ["import", str(DAY / "sources.toml"), "--data", str(data), "--json", *more])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def replayed(settings: Settings) -> Replay:
    """The ledger, derived again from the log alone."""
    log = KafkaLog(settings)
    replay = Replay(terms=terms_of(log)[1])
    replay.run(log)
    return replay


def pieces(told: dict[str, Any]) -> int:
    """How many lines and mails an import read."""
    return sum(source["pieces"] for source in told["sources"].values())


def counts(warehouse: Warehouse) -> dict[str, int]:
    """Rows of every view; but for those that have a row for each tick, or for the last."""
    views = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    names = {row["name"] for row in ask(warehouse.client, views)} - {"derivation", "queue_states"}
    return {
        name: ask(warehouse.client, f"SELECT count() AS n FROM {name}")[0]["n"]  # noqa: S608 - our names
        for name in sorted(names)
    }


def derived_a_second_later(settings: Settings, warehouse: Warehouse) -> None:
    """The clock goes on by a second behind all that is in the log, and the warehouse derives up to it."""
    log = KafkaLog(settings)
    claims = {one["source"]: one["through"] for one in all_progress(log) if one["kind"] == "progressed"}
    writer, later = log.writer(), max(claims.values()) + SECOND
    for source in claims:
        writer.write("progress", *progressed(source, later))
    writer.flush()
    deadline = time.monotonic() + PATIENCE
    clock = "SELECT toUnixTimestamp64Micro(max(clock)) AS at FROM derivation"
    while ask(warehouse.client, clock)[0]["at"] < later:
        assert time.monotonic() < deadline, "the warehouse does not derive"
        time.sleep(0.1)


def test_the_day_through_four_workers(tmp_path: Path, start_stack: Callable[..., Any]) -> None:
    """What was told live is what a replay tells; SQL derives the same alarms; all of it read again changes no count."""
    with start_stack(tmp_path, CUSTODY_STACK_ROLES=",".join(ROLES)):
        assert pieces(imported(tmp_path)) == EVERYTHING
        settings = load(data=tmp_path)
        settled(settings)
        warehouse = Warehouse.of(settings)
        expected = json.loads(lzma.decompress((DAY / "expected.json.xz").read_bytes()))
        assert_is_the_oracles(warehouse, expected)
        before, rows = warehouse.reliability(), counts(warehouse)
        shutil.rmtree(tmp_path / "collect")  # no checkpoint: everything is read and written again
        assert pieces(imported(tmp_path, "--order", "reports,store-log,dest-log,relay-log,origin-log")) == EVERYTHING
        derived_a_second_later(settings, warehouse)
        settled(settings)
        assert warehouse.reliability() == before
        assert counts(warehouse) == rows
        assert compare(live(KafkaLog(settings)), replayed(settings).alerts).identical


def assert_is_the_oracles(warehouse: Warehouse, expected: dict[str, Any]) -> None:
    """Totals, outcomes and alarms of the oracle."""
    totals = expected["totals"]
    alerts = warehouse.alerts()
    for rule in ("overdue", "unread", "stuck"):
        mine = [one for one in alerts if one["rule"] == rule]
        assert len(mine) == totals[rule]["raised"], rule
        assert sum(one["cleared_at"] is None for one in mine) == totals[rule]["standing"], rule
    assert sum(one["rule"] == "refused" for one in alerts) == totals["refused"]
    outcomes = {
        row["outcome"]: row["n"]
        for row in ask(warehouse.client, "SELECT outcome, count() AS n FROM custody GROUP BY outcome")
    }
    assert outcomes == totals["outcomes"]
    assert warehouse.reliability()[-1]["sent"] == totals["units"]
    columns = "rule, unit, raised_at, cleared_at"
    one, other = (f"SELECT {columns} FROM {table}" for table in ("alerts", "alarms"))  # noqa: S608 - names of ours
    assert ask(warehouse.client, f"{one} EXCEPT DISTINCT {other}") == []
    assert ask(warehouse.client, f"{other} EXCEPT DISTINCT {one}") == []
