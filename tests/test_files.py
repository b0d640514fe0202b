"""Files of our own: their owner's only, and whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from streams import files

pytestmark = pytest.mark.usefixtures("generous")


def mode(path: Path) -> int:
    """Who may do what."""
    return path.stat().st_mode & 0o777


def test_every_folder_that_is_made_is_its_owners(tmp_path: Path) -> None:
    """Those on the way, too; one that is there stays as it is."""
    (tmp_path / "there").mkdir(mode=0o755)
    files.make_folder(tmp_path / "there" / "data" / "collect")
    assert [mode(tmp_path / "there" / name) for name in ("", "data", "data/collect")] == [0o755, 0o700, 0o700]
    files.make_folder(tmp_path / "there")
    assert mode(tmp_path / "there") == 0o755


def test_a_folder_where_a_file_is_cannot_be_made(tmp_path: Path) -> None:
    """It is said, not passed over."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        files.make_folder(tmp_path / "file")


def test_a_file_is_its_owners(tmp_path: Path) -> None:
    """Where another account could read the one before, or what a dead writer left, it cannot read this one."""
    for name in ("a", "a.new"):
        (tmp_path / name).write_bytes(b"an older and longer text")
        (tmp_path / name).chmod(0o644)
    files.store(tmp_path / "a", b"text")
    assert (mode(tmp_path / "a"), (tmp_path / "a").read_bytes()) == (0o600, b"text")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_file_that_cannot_be_written_whole_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full before the bytes are on it."""

    def full(_handle: object) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    files.store(tmp_path / "a", b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.store(tmp_path / "a", b"after")
    assert (tmp_path / "a").read_bytes() == b"before"
