"""A simulated network on the real stack: its logs and mails, the collectors, the broker, a tracker that runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.cli.demo import tracked
from streams.settings import load
from streams.simulate import ledger, promises

pytestmark = pytest.mark.service

FAULTS = ("--fault", "all", "--fault", "report-lost=0.08", "--fault", "deleted=0.08", "--fault", "lost-inside=0.08")
WORLD = ("simulate", "--messages", "150", "--span", "6h", "--seed", "7", "--check", "--json", *FAULTS)


def judged(*more: str) -> dict[str, Any]:
    """What `custody simulate` says."""
    answer: dict[str, Any] = json.loads(CliRunner().invoke(custody, [*WORLD, *more]).stdout)
    return answer


def test_a_running_tracker_finds_what_one_in_process_does(tmp_path: Path, start_stack: Callable[..., Any]) -> None:
    """Fault by fault, from the same files."""
    with start_stack(tmp_path, CUSTODY_STACK_ROLES="none"):
        settings = load(data=tmp_path, ledger="drill")
        ledger.prepare(settings, promises.text(), promises.terms())
        named = ("--data", str(tmp_path))
        with tracked(settings, named):
            live = judged("--out", str(tmp_path / "live"), "--ledger", "drill", *named)
    here = judged("--out", str(tmp_path / "here"))
    rows = here["faults"]
    assert {fault: row["found"] for fault, row in live["faults"].items()} == {
        f: row["found"] for f, row in rows.items()
    }
    assert sum(row["found"] for row in rows.values()) > 10
