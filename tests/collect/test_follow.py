"""Following a log: every line once, in order, whatever rotates it and whenever."""

import gzip
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

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
