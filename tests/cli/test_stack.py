"""What waits for the stack that starts in the background."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import _stack
from streams.cli.app import custody
from streams.core.errors import Misuse, Unavailable
from streams.local import part
from streams.settings import ROLES, Settings


def test_a_stack_that_starts_slowly_is_waited_for_and_one_that_ends_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said now and then that it is still starting; its last lines are why it ended."""
    monkeypatch.setattr(part, "STILL", 0.1)
    log = tmp_path / "stack.log"
    log.write_text("custody: no room\n")
    program = "import time; time.sleep(1); raise SystemExit(3)"
    slow = subprocess.Popen((sys.executable, "-c", program))  # noqa: S603 - ourselves
    with slow, pytest.raises(Unavailable, match="no room"):
        _stack._wait(tmp_path, slow, log)
    assert re.search(rf"still starting, for \d s now; see {re.escape(str(log))}", capsys.readouterr().err)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """It names the file and the reason, with the exit code of misuse."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    command = (sys.executable, "-m", "streams.cli", "up", "--data", str(tmp_path / "link" / "data"))
    ours = {**os.environ, "CUSTODY_CACHE": str(tmp_path / "cache")}  # nothing is fetched for a stack that cannot be
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=ours)  # noqa: S603 - ourselves
    assert done.returncode == Misuse.exit_code
    assert not (tmp_path / "cache").exists()
    assert done.stderr.splitlines()[0] == f"custody: {tmp_path / 'link'}: File exists."
    assert "Traceback" not in done.stderr


def test_a_name_that_is_no_utf_8_is_a_sentence(tmp_path: Path) -> None:
    """Misuse, and not what "found" ends with."""
    named = tmp_path / os.fsdecode(b"\xff.log")
    named.write_bytes(b"")
    command = (sys.executable, "-m", "streams.cli", "look", "--json", str(named))
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - ourselves
    assert done.returncode == Misuse.exit_code
    assert done.stderr.startswith(b"custody: An argument, or the name of a file, is not UTF-8.")


def test_output_that_a_disk_refuses_is_a_sentence() -> None:
    """It must not end as what was found does."""
    command = (sys.executable, "-m", "streams.cli", "terms", "list")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)  # noqa: S603 - ourselves
    assert done.returncode == Unavailable.exit_code
    assert done.stderr.startswith(b"custody: No space left on device.")


def test_the_roles_are_those_of_the_setting() -> None:
    """All where it names none, no one where it says so; what is no role is refused with those that are."""
    assert _stack.roles(Settings()) == ROLES
    assert _stack.roles(Settings(stack_roles="none")) == ()
    assert _stack.roles(Settings(stack_roles="track, clock")) == ("track", "clock")
    with pytest.raises(Misuse, match="clok") as caught:
        _stack.roles(Settings(stack_roles="clok"))
    assert ", ".join(ROLES) in caught.value.hint


def test_faust_is_not_imported_to_know_the_roles() -> None:
    """It takes a second of every start of the stack."""
    asked = (
        "import sys; from streams.cli import _stack, up; _stack.roles(_stack.Settings()); print('faust' in sys.modules)"
    )
    command = (sys.executable, "-c", asked)
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"  # noqa: S603 - ourselves


def test_who_finds_no_stack_is_told_what_to_do(tmp_path: Path) -> None:
    """Start it where it was looked for, or end one that is elsewhere; a machine is told the same as ever."""
    status, down = (CliRunner().invoke(custody, [name, "--data", str(tmp_path)]) for name in ("status", "down"))
    assert status.exit_code == Unavailable.exit_code
    assert status.output.splitlines()[1] == f"start it with: custody up --detach --data {tmp_path}"
    assert down.output.splitlines()[1] == "one in another folder: custody down --data FOLDER"
    told = CliRunner().invoke(custody, ["down", "--data", str(tmp_path), "--json"])
    assert json.loads(told.output)["stopped"] is False
