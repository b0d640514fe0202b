"""The embedded warehouse's password: made once and whole, and an empty one opens nothing."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from streams.local import clickhouse, question
from streams.local.clickhouse import Server, password_file, warehouse
from streams.local.engine import Refused
from streams.local.ports import Ports


def made(data: Path) -> str:
    """The password after a start."""
    warehouse(data, Ports(clickhouse=1))
    return password_file(data).read_text(encoding="utf-8")


def test_a_password_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    """The second start finds the first one's; no other account reads it."""
    first = made(tmp_path)
    assert len(first) == 32
    assert made(tmp_path) == first
    assert [path.stat().st_mode & 0o077 for path in (password_file(tmp_path), password_file(tmp_path).parent)] == [0, 0]


@pytest.mark.usefixtures("generous")
def test_in_a_folder_that_was_there_the_warehouse_is_its_owners(tmp_path: Path) -> None:
    """The data directory may have been made by hand, for all to read."""
    tmp_path.chmod(0o755)
    made(tmp_path)
    assert [(tmp_path / name).stat().st_mode & 0o077 for name in ("clickhouse", "log", "secrets")] == [0, 0, 0]


def test_a_start_that_was_cut_short_leaves_no_empty_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full while it is written: there is none, and the next start makes it."""

    def full(_handle: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            made(tmp_path)
    assert not password_file(tmp_path).exists()
    assert made(tmp_path)


def test_an_empty_password_is_made_anew(tmp_path: Path) -> None:
    """An older start was cut short."""
    password_file(tmp_path).parent.mkdir()
    password_file(tmp_path).write_text("\n", encoding="utf-8")
    assert made(tmp_path).strip()


def test_a_warehouse_without_a_password_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which file is empty, before it opens anything."""
    empty = tmp_path / "password"
    empty.touch()
    given = ("--path", str(tmp_path / "engine"), "--port", "1", "--password-file", str(empty))
    monkeypatch.setattr(sys, "argv", ["clickhouse", *given])
    with pytest.raises(SystemExit, match="is empty: anybody"):
        clickhouse.main()
    assert not (tmp_path / "engine").exists()


def test_an_empty_password_admits_nobody() -> None:
    """Nor does who leaves it out know it."""
    with pytest.raises(Refused, match="AUTHENTICATION_FAILED"):
        Server(None, "")._admit(question.read({"user": "custody"}, {}))  # type: ignore[arg-type]
