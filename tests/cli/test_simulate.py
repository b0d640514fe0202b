"""`custody simulate`, as it is typed."""

import json
import subprocess
import sys

from click.testing import CliRunner

from streams.cli.simulate import command
from streams.simulate.faults import FAULTS

SMALL = ("--messages", "60", "--span", "2h", "--seed", "2")


def test_the_help_lists_every_fault_in_80_columns() -> None:
    """From the code."""
    text = CliRunner().invoke(command, ["--help"]).output
    assert all(name in text for name in FAULTS)
    assert max(map(len, text.splitlines())) <= 80


def test_a_world_that_holds_is_said_in_a_table() -> None:
    """By fault: planted, due, found, how long after."""
    done = CliRunner().invoke(command, [*SMALL, "--check", "--fault", "report-lost=0.2"])
    assert done.exit_code == 0, done.output
    assert "report-lost" in done.output
    assert done.output.endswith("Custody found all of it, and nothing else.\n")


def test_json_has_every_row() -> None:
    """With the names of what is missing or false."""
    done = CliRunner().invoke(command, [*SMALL, "--check", "--json", "--fault", "deleted=0.2"])
    data = json.loads(done.stdout)
    assert data["holds"]
    row = data["faults"]["deleted"]
    assert row["found"] == row["due"] >= row["planted"] > 0
    assert row["missing"] == row["false"] == []


def test_a_world_alone_is_counted() -> None:
    """Without --check nothing is judged."""
    done = CliRunner().invoke(command, [*SMALL, "--json", "--fault", "none"])
    assert json.loads(done.stdout)["recipients"]["mail"] >= 60


def test_exit_codes_reach_the_shell() -> None:
    """Misuse is 2; what a command decides is told too."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "simulate", "--fault", "nonsense"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"not understood" in done.stderr
