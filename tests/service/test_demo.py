"""`custody demo`, which `make demo` runs: a new directory, to its end, with what it shows and what it leaves."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.waiting import until

pytestmark = pytest.mark.service

PATIENCE = 240

LOST = "day-0129.lost@origin.test"

SCREENS = (
    ("queue", "1 owed in 1 queue"),
    ("overdue", "deleted by hand on relay"),
    ("unread", "mailbox of carol@dest.test"),
    ("reliability", "Delivered at last 219 of 228"),
    (f"trace {LOST}", "ALARM overdue, due 23:28:41"),
    ("replay --diff", "Live and replay are identical."),
)
"""What an operator wants to see, each below the command that shows it again, and something that it says."""


def run(folder: Path, words: str) -> "subprocess.CompletedProcess[str]":
    """A command, as it is typed in a folder."""
    command = (sys.executable, "-m", "streams.cli", *shlex.split(words))
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - ourselves


def those_of(folder: Path) -> list[Any]:
    """The processes that work in a folder."""
    return [one for one in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(one.info["cmdline"] or ())]


def test_the_demo_shows_what_an_operator_sees(tmp_path: Path) -> None:
    """Every screen below its command; what it names to type next works, and ends all that it began."""
    try:
        done = run(tmp_path, "demo")
        assert done.returncode == 0, done.stderr
        last = done.stdout.partition("Back to the sample day")[2]
        for words, says in SCREENS:
            shown = last.partition(f"$ custody {words}")[2].partition("\n$ ")[0]
            assert says in shown, f"{words}:\n{last}"
        assert "missing" in done.stdout.partition("Back to the sample day")[0]  # the simulated day against its truth
        named = [line.strip().removeprefix("custody ") for line in last.splitlines() if line.startswith("  custody ")]
        assert [words.split()[0] for words in named] == ["trace", "alerts"]
        for words in named:
            again = run(tmp_path, words)
            assert (again.returncode, again.stderr) == (0, "")
            assert again.stdout
        (end,) = [line for line in last.splitlines() if line.startswith("Stop it with: custody ")]
        assert those_of(tmp_path)
        assert run(tmp_path, end.removeprefix("Stop it with: custody ")).returncode == 0
        until(lambda: not those_of(tmp_path), "nothing is left running", 30)
    finally:
        run(tmp_path, "down")
