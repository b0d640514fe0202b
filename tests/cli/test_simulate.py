"""`custody simulate`, as it is typed."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.simulate import command
from streams.core.errors import Misuse
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


def test_the_help_has_an_example_of_each_way() -> None:
    """Files, events, a ledger, a pace, a begin; the options of each example are known."""
    text = CliRunner().invoke(command, ["--help"]).output
    examples = re.findall(r"^ +custody simulate ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert all(any(way in one for one in examples) for way in ("--out", "--events", "--ledger", "--speed", "--begin"))
    for one in examples:
        command.make_context("simulate", shlex.split(one.replace("\\\n", " ")), resilient_parsing=True)


def test_evidence_is_written_with_the_truth_beside_it(tmp_path: Path) -> None:
    """An hour in much less than a second; what stands there can be read in."""
    folder = tmp_path / "drill"
    done = CliRunner().invoke(command, [*SMALL, "--speed", "36000", "--out", str(folder), "--check"])
    assert done.exit_code == 0, done.output
    truth = json.loads((folder / "truth.json").read_bytes())
    assert len(truth["messages"]) > 60
    assert {path.name for path in folder.iterdir()} > {
        "sources.toml",
        "terms.toml",
        "reports",
        "alpha.log",
        "truth.json",
    }


def test_events_go_to_standard_output_alone() -> None:
    """What was played is said beside it."""
    done = CliRunner().invoke(command, [*SMALL, "--events", "-", "--begin", "2027-03-01T08:00:00Z"])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) > 500
    assert min(line["occurred_at"] for line in lines) >= 1_803_888_000_000_000 - 900_000_000
    assert "acts of" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speed", "60"), "say where to"),
        (("--events", "-", "--ledger", "x"), "do not go together"),
        (("--span", "0h"), "cannot be played"),
        (("--span", "99999999999999h"), "too long"),
        (("--begin", "tomorrow"), "no time"),
        (("--begin", "1950-10-14T09:00:00Z"), "Nothing begins"),
    ],
)
def test_what_cannot_be_is_refused(options: tuple[str, ...], words: str) -> None:
    """With a sentence that says what to change."""
    refused = CliRunner().invoke(command, options).exception
    assert isinstance(refused, Misuse)
    assert words in f"{refused} {refused.hint}"
