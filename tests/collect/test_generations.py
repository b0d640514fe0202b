"""Rotated logs: what was written before is read before, whatever the names."""

from pathlib import Path

import pytest

from streams.collect import evidence
from streams.collect.declaration import Source
from streams.collect.generations import in_order, is_older, settled


@pytest.mark.parametrize(
    "oldest_first",
    [
        ["mail.log.10.gz", "mail.log.2.gz", "mail.log.1", "mail.log"],
        ["mail.log-20261101.gz", "mail.log-20261122", "mail.log-20261123", "mail.log"],
        ["mail.log-2026-11-22.xz", "mail.log-2026-11-23", "mail.log"],
        ["maillog-20261122.bz2", "maillog"],
        ["mail-20261122.log.gz", "mail-20261123.log", "mail.log"],
        ["mail.log-20261123-1763856001", "mail.log-20261123-1763859601", "mail.log"],
        ["mail.log.20261122", "mail.log.1", "mail.log"],
        ["/var/log/mail.log.1", "/var/log/mail.log"],
        ["mx-1.log.2.gz", "mx-1.log.1", "mx-1.log"],
    ],
)
def test_generations_are_read_oldest_first(oldest_first: list[str]) -> None:
    """In whatever order the shell or the folder names them."""
    assert in_order(sorted(oldest_first)) == oldest_first
    assert in_order(sorted(oldest_first, reverse=True)) == oldest_first


def test_logs_stay_in_the_order_in_which_they_are_named() -> None:
    """Only generations of one log in one folder are put in order."""
    files = ["b/mail.log", "a/mail.log", "b/mail.log.1", "mail.err", "-", "a/mail.log.1"]
    assert in_order(files) == ["b/mail.log.1", "b/mail.log", "a/mail.log.1", "a/mail.log", "mail.err", "-"]


def test_logs_that_are_numbered_are_no_generations() -> None:
    """Those of several switches are called so; each has its own."""
    assert in_order(["mx-1.log", "mx-1.log.1", "mx-2.log"]) == ["mx-1.log.1", "mx-1.log", "mx-2.log"]
    assert not is_older("mx-1.log", "mx.log")
    assert is_older("mx-1.log.1", "mx-1.log")


def test_any_number_behind_the_whole_name_is_a_generation() -> None:
    """Whoever rotates by hand may write it so."""
    assert in_order(["mail.log", "mail.log-5", "mail.log-2"]) == ["mail.log-2", "mail.log-5", "mail.log"]
    assert is_older("mail.log-2", "mail.log")


def test_a_folder_of_rotated_logs(tmp_path: Path) -> None:
    """A declared folder is read from its oldest file to the newest."""
    for name in ("mail.log", "mail.log.1", "mail.log.2.gz", ".hidden"):
        (tmp_path / name).touch()
    files = evidence.files(Source(name="a", kind="postfix", paths=(str(tmp_path),)))
    assert [Path(file).name for file in files] == ["mail.log.2.gz", "mail.log.1", "mail.log"]


def test_a_listing_that_shifts_is_asked_again(tmp_path: Path) -> None:
    """A rotation in the middle of a look is no reason for a wrong answer."""
    log = tmp_path / "mail.log"
    log.write_bytes(b"1\n")
    asked: list[list[str]] = []

    def question(there: list[Path]) -> int:
        asked.append([path.name for path in there])
        if len(asked) == 1:
            log.rename(tmp_path / "mail.log.1")
            log.write_bytes(b"2\n")
        return len(there)

    assert settled(log, question) == 2
    assert asked == [["mail.log"], ["mail.log.1", "mail.log"]]


def test_what_is_no_generation(tmp_path: Path) -> None:
    """Empty files, folders and other names hold nothing; of a file that is being packed, the plain one counts."""
    log = tmp_path / "mail.log"
    for name in ("mail.log", "mail.log.2", "mail.log.2.gz", "mail.log.old", "mail.logs", "other.log.1"):
        (tmp_path / name).write_bytes(b"x\n")
    (tmp_path / "mail.log.1").touch()
    (tmp_path / "mail.log.3").mkdir()
    assert settled(log, lambda there: [path.name for path in there]) == ["mail.log.2", "mail.log"]
    assert settled(tmp_path / "none" / "mail.log", len) == 0
