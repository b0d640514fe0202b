"""Following a log: every line once, in order, whatever rotates it and whenever."""

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.collect.follow import Follower
from streams.collect.parser import Counts
from streams.collect.reading import LINE

LOOKS = 200
"""Looks after which a follower that still finds something is not coming to an end."""


class Machine:
    """A mail system that writes a log, what rotates it, and a follower that looks when it is told."""

    def __init__(self, folder: Path) -> None:
        """Begin with an empty log."""
        self.log = folder / "mail.log"
        self.log.touch()
        self.counts = Counts()
        self.follower = Follower(self.log, self.counts)
        self.written: list[bytes] = []
        self.read: list[bytes] = []
        self._out = self.log.open("ab", buffering=0)

    def write(self, lines: int = 1) -> None:
        """The mail system writes some lines into the file that it holds open."""
        for _ in range(lines):
            line = b"Nov 23 22:48:16 mx postfix/qmgr[7]: %06d: removed" % len(self.written)
            self._out.write(line + b"\n")
            self.written.append(line)

    def half(self) -> None:
        """It writes a line in two parts, and the follower looks in between."""
        line = b"half and half %06d" % len(self.written)
        self._out.write(line[:9])
        self.look()
        self._out.write(line[9:] + b"\n")
        self.written.append(line)

    def long(self) -> None:
        """It writes a line that is longer than what is kept of it."""
        line = b"%06d" % len(self.written) + b"x" * (2 * LINE)
        self._out.write(line + b"\n")
        self.written.append(line[:LINE])

    def rename(self) -> None:
        """The log is rotated by renaming; the mail system goes on writing into the old file."""
        if self.log.exists():
            self._shift()
            self.log.rename(self._old(1))

    def create(self) -> None:
        """The new file is made before the mail system uses it."""
        self.log.touch()

    def reopen(self) -> None:
        """The mail system is told to open its log again."""
        self._out.close()
        self._out = self.log.open("ab", buffering=0)

    def truncate(self) -> None:
        """The log is rotated by copying and truncating."""
        if self.log.exists():
            self._shift()
            shutil.copyfile(self.log, self._old(1))
            self.log.open("wb").close()

    def pack(self) -> None:
        """All but the newest rotated file are packed, and never one that is written into."""
        for path in list(self.log.parent.glob("mail.log.*[0-9]")):
            if path != self._old(1) and path.stat().st_ino != os.fstat(self._out.fileno()).st_ino:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()

    def restart(self) -> None:
        """The collector dies and starts again from its checkpoint."""
        self.follower.close()
        self.follower = Follower(self.log, self.counts, self.follower.place, self.follower.known)

    def look(self) -> bool:
        """The follower looks once; returns whether there was anything."""
        found = self.follower.look()
        self.read += [piece.raw for piece in found.pieces]
        return not found.idle

    def finish(self) -> None:
        """The mail system is sure to write into the log, and the follower looks until there is nothing more."""
        self.reopen()
        self.write()
        for _ in range(LOOKS):
            if not self.look():
                return
        raise AssertionError("it finds no end")

    def close(self) -> None:
        """Close the files."""
        self._out.close()
        self.follower.close()

    def _old(self, number: int) -> Path:
        return self.log.with_name(f"mail.log.{number}")

    def _shift(self) -> None:
        """Every rotated file gets the next number."""
        for number in range(40, 0, -1):
            for ending in ("", ".gz"):
                old = self.log.with_name(f"mail.log.{number}{ending}")
                if old.exists():
                    old.rename(self.log.with_name(f"mail.log.{number + 1}{ending}"))


STEPS = st.lists(
    st.sampled_from(
        ["write", "write", "many", "half", "look", "look", "rename", "create", "reopen", "truncate", "pack", "restart"]
    ),
    max_size=30,
)


def play(steps: list[str]) -> Machine:
    """A machine after these steps, its log read to the end."""
    with TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        for step in steps:
            machine.write(30) if step == "many" else getattr(machine, step)()
        machine.finish()
        machine.close()
        return machine


@settings(max_examples=500, deadline=None)
@given(STEPS)
def test_no_line_is_lost_or_read_twice(steps: list[str]) -> None:
    """Whatever is written, rotated, packed and started again, every line is read once, in order."""
    machine = play(steps)
    assert machine.read == machine.written
    assert not machine.counts.unread


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine that has written and read a few lines."""
    machine = Machine(tmp_path)
    machine.write(3)
    machine.look()
    yield machine
    machine.close()


def test_a_line_that_is_too_long(machine: Machine) -> None:
    """Of a line that is longer than a look the beginning is read, it is counted, and the next line is whole."""
    machine.long()
    machine.write()
    machine.finish()
    assert machine.read == machine.written
    assert machine.counts.unread == {"a line that is too long": 1}


def test_a_line_that_is_too_long_across_a_restart(machine: Machine) -> None:
    """Killed within a long line, the follower begins that line again."""
    machine.long()
    machine.look()
    machine.restart()
    machine.finish()
    assert machine.read == machine.written


def test_a_log_that_begins_with_a_line_that_is_too_long(tmp_path: Path) -> None:
    """A log is known by its beginning even where that is a line too long to keep."""
    machine = Machine(tmp_path)
    machine.long()
    for step in (machine.look, machine.look, machine.look, machine.rename, machine.restart, machine.finish):
        step()
    machine.close()
    assert machine.read == machine.written


def test_a_log_that_is_emptied(machine: Machine) -> None:
    """A log that is emptied in place, without a copy, is begun again, and that is told: lines may be lost."""
    machine.log.open("wb").close()
    machine.finish()
    assert machine.read == machine.written
    assert list(machine.counts.unread) == ["what was read is gone"]


def test_a_log_that_is_deleted_while_it_is_open(machine: Machine) -> None:
    """What is written into a deleted file before the new one is begun is read all the same."""
    machine.log.unlink()
    machine.write(2)
    assert not machine.look() or machine.read == machine.written
    machine.finish()
    assert machine.read == machine.written


def test_cut_off_by_rotation(machine: Machine) -> None:
    """Half a line at the end of a log that was rotated is counted, and the new log is read."""
    with machine.log.open("ab") as log:
        log.write(b"half a li")
    machine.rename()
    machine.finish()
    assert machine.read == machine.written
    assert list(machine.counts.unread) == ["the last line has no end"]


def test_older_logs_are_not_read(tmp_path: Path) -> None:
    """A log that is followed for the first time is read from its own beginning; what was rotated before is history."""
    (tmp_path / "mail.log.1").write_bytes(b"history\n")
    machine = Machine(tmp_path)
    for step in (machine.write, machine.look, machine.rename, machine.write, machine.finish):
        step()
    machine.close()
    assert machine.read == machine.written


def test_a_folder_in_its_place_is_told_once(tmp_path: Path) -> None:
    """What cannot be read is counted once, however often it is looked at."""
    (tmp_path / "mail.log").mkdir()
    counts = Counts()
    follower = Follower(tmp_path / "mail.log", counts)
    looks = [follower.look() for _ in range(3)]
    assert all(look.away for look in looks)
    assert counts.unread == {"cannot be read": 1}


@pytest.fixture
def damaged(machine: Machine) -> Path:
    """A rotated log that can no longer be unpacked, after the follower has come to its end."""
    machine.follower.close()
    machine.rename()
    machine.reopen()
    packed = gzip.compress(os.urandom(4000) + b"\n")
    (machine.log.parent / "mail.log.1").rename(machine.log.parent / "mail.log.2")
    (machine.log.parent / "mail.log.1.gz").write_bytes(packed[:1000])
    machine.follower = Follower(machine.log, machine.counts, machine.follower.place, machine.follower.known)
    machine.finish()
    return machine.log.parent / "mail.log.1.gz"


def test_a_packed_generation_that_is_damaged_is_passed_over(machine: Machine, damaged: Path) -> None:
    """A rotated log that can no longer be unpacked is counted with its name; what comes after it is read."""
    assert machine.read == machine.written
    assert machine.counts.unread == {"cannot be read": 1}
    assert machine.counts.examples[0].file == str(damaged)


@pytest.mark.parametrize("rotated", [False, True])
def test_a_log_that_has_the_inode_of_a_damaged_one(machine: Machine, damaged: Path, *, rotated: bool) -> None:
    """A damaged log is removed and the system gives its inode to the next: that is read, also when it was rotated."""
    machine.rename()
    damaged.with_name("mail.log.2.gz").write_bytes(b"")
    damaged.with_name("mail.log.2.gz").rename(machine.log)
    if rotated:
        for step in (machine.reopen, machine.write, machine.rename):
            step()
    machine.finish()
    assert machine.read == machine.written


def test_a_damaged_log_in_the_place_of_the_log(machine: Machine, damaged: Path) -> None:
    """What was passed over as a rotated log is tried again as the log itself: it is away, not read to its end."""
    machine.rename()
    damaged.with_name("mail.log.2.gz").rename(machine.log)
    looks = [machine.follower.look() for _ in range(5)]
    assert looks[-1].away
    assert not any(look.all_read for look in looks)
