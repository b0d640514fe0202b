"""Logs that are rotated between two imports, or in the middle of one: no line is lost without a word."""

import gzip
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from streams.collect import checkpoint, rotation, run
from streams.collect.declaration import Source
from streams.collect.parser import Counts
from streams.collect.run import Collector
from tests.collect.broker import Killed, Log, Writer
from tests.collect.test_importing import DAY, LINES, RELAY


class Machine:
    """A log that grows and is rotated, and what imports of it read."""

    def __init__(self, folder: Path, *names: str) -> None:
        """Declare some names in a folder; nothing: the folder itself."""
        self.folder, self.log, self.broker = folder / "log", folder / "log" / "mail.log", Log()
        self.folder.mkdir()
        self.source = replace(RELAY, paths=tuple(str(self.folder / name) for name in names) or (str(self.folder),))
        self._store, self._written = folder / "store", 0

    def write(self, lines: int) -> None:
        """Let the log grow."""
        with self.log.open("ab") as log:
            log.writelines(LINES[self._written : self._written + lines])
        self._written += lines

    def rotate(self, *, packed: bool = False) -> None:
        """Rename every generation, as logrotate does; the older ones may be packed."""
        for number in range(9, 0, -1):
            for end in ("", ".gz"):
                old = self.folder / f"mail.log.{number}{end}"
                if old.exists():
                    new = old.rename(self.folder / f"mail.log.{number + 1}{end}")
                    if packed and not end:
                        new.with_name(new.name + ".gz").write_bytes(gzip.compress(new.read_bytes()))
                        new.unlink()
        self.log.rename(self.folder / "mail.log.1")
        self.log.touch()

    def read(self, source: Source | None = None) -> Counts:
        """Import; what became of the pieces."""
        collector = self.collector(source)
        collector.read()
        return collector.parser.counts

    def follow(self) -> Counts:
        """Follow the log until nothing is new; what became of the pieces."""
        collector, stop = self.collector(), threading.Event()
        for is_idle in collector.looks(stop):
            if is_idle:
                stop.set()
        return collector.parser.counts

    def collector(self, source: Source | None = None, calls: int = -1) -> Collector:
        """A collector from its checkpoint on, that may be killed after some calls of its writer."""
        return Collector(
            source=source or self.source, declaration=DAY, writer=Writer(self.broker, calls=calls), store=self._store
        )


def _rotated_twice(tmp_path: Path) -> Machine:
    """A log that was read, and written and rotated twice since."""
    machine = Machine(tmp_path, "mail.log")
    machine.write(50)
    machine.read()
    for _ in range(2):
        machine.write(20)
        machine.rotate()
    machine.write(10)
    return machine


def _whole(tmp_path: Path) -> set[bytes]:
    """The events of all lines in one file."""
    (tmp_path / "whole").mkdir()
    machine = Machine(tmp_path / "whole", "mail.log")
    machine.write(400)
    machine.read()
    return set(machine.broker.events)


ONE, GLOB, FOLDER = ("mail.log",), ("mail.log", "mail.log.1"), ()


@pytest.mark.parametrize("names", [ONE, GLOB, FOLDER], ids=["log", "both", "folder"])
@pytest.mark.parametrize("rotations", [1, 2, 3])
def test_what_was_written_before_a_rotation_is_read_after_it(
    names: tuple[str, ...], rotations: int, tmp_path: Path
) -> None:
    """The rest of what was read, every generation since, packed or not, and then the log: each line once, in order."""
    machine = Machine(tmp_path, *names)
    for _ in range(2):
        machine.write(50)
        assert machine.read().pieces == 50
        for _rotation in range(rotations):
            machine.write(20)
            machine.rotate(packed=True)
        machine.write(10)
        counts = machine.read()
        assert counts.pieces == 20 * rotations + 10
        assert (counts.incomplete, counts.notes) == ([], ())
    machine.write(400)
    machine.read()
    assert set(machine.broker.events) == _whole(tmp_path)


@pytest.mark.parametrize("calls", range(8))
def test_killed_and_rotated_again(calls: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Killed while it reads what was rotated, and rotated meanwhile, the end is as if nothing had happened."""
    monkeypatch.setattr(run, "EVERY", 0.0)
    machine = _rotated_twice(tmp_path)
    with suppress(Killed):
        machine.collector(calls=calls).read()
    machine.rotate()
    machine.write(300)
    assert machine.read().incomplete == []
    assert set(machine.broker.events) == _whole(tmp_path)


def test_a_log_of_which_nothing_was_written_since_it_was_rotated(tmp_path: Path) -> None:
    """The new one is empty: that is said as ever, and the old one's last lines are read."""
    machine = Machine(tmp_path, "mail.log")
    machine.write(50)
    machine.read()
    machine.write(20)
    machine.rotate()
    counts = machine.read()
    assert (counts.pieces, counts.incomplete) == (20, [])


def test_a_log_that_was_copied_and_truncated(tmp_path: Path) -> None:
    """It is known by what is in it, whatever inode it has."""
    machine = Machine(tmp_path, "mail.log")
    machine.write(50)
    machine.read()
    machine.write(20)
    shutil.copy(machine.log, machine.folder / "mail.log.1")
    machine.log.write_bytes(b"")
    machine.write(10)
    assert machine.read().pieces == 30


def test_a_log_that_was_followed(tmp_path: Path) -> None:
    """It is gone on with by an import as by another follower."""
    machine = Machine(tmp_path, "mail.log")
    machine.write(50)
    assert machine.follow().pieces == 50
    machine.write(20)
    machine.rotate()
    machine.write(10)
    assert machine.read().pieces == 30


@pytest.mark.parametrize("names", [ONE, FOLDER], ids=["log", "folder"])
def test_what_is_gone_is_said_once(names: tuple[str, ...], tmp_path: Path) -> None:
    """A log that was begun again, with what was read nowhere beside it, is incomplete; what is there is read."""
    machine = Machine(tmp_path, *names)
    machine.write(50)
    machine.read()
    size = machine.log.stat().st_size
    machine.log.write_bytes(b"")
    machine.write(10)
    counts = machine.read()
    assert counts.pieces == 10
    assert [(one.file, one.offset, one.reason) for one in counts.incomplete] == [
        (str(machine.log), size, rotation.GONE)
    ]
    assert machine.read().incomplete == []


def test_generations_that_rotation_removes_are_none_that_are_lost(tmp_path: Path) -> None:
    """All of them was read when a newer one was; nor is a log lost that is no more declared."""
    machine = Machine(tmp_path)
    for _ in range(5):
        machine.write(20)
        machine.read()
        machine.rotate()
        (machine.folder / "mail.log.3").unlink(missing_ok=True)
    (machine.folder / "other.log").write_bytes(b"".join(LINES[300:310]))
    machine.write(20)
    assert machine.read().incomplete == []
    (machine.folder / "other.log").unlink()
    assert machine.read().incomplete == []


def test_nothing_older_is_read_that_is_not_declared(tmp_path: Path) -> None:
    """What stood beside a log before it was first read is history, also after a rotation; so is another's log."""
    machine = Machine(tmp_path, "mail.log")
    (machine.folder / "mail.log.1").write_bytes(b"".join(LINES[300:310]))
    (machine.folder / "mail.log.old").write_bytes(b"".join(LINES[310:320]))
    machine.write(50)
    assert machine.read().pieces == 50
    machine.rotate()
    machine.write(10)
    assert machine.read().pieces == 10


def test_a_checkpoint_that_does_not_name_its_logs(tmp_path: Path) -> None:
    """One of an older version is gone on with through rotation; what is nowhere is not said to be lost."""
    machine = Machine(tmp_path, "mail.log")
    machine.write(50)
    machine.read()
    store = tmp_path / "store"
    known = checkpoint.load(store)
    assert known is not None
    nameless = tuple(msgspec.structs.replace(place, log="") for place in known.places)
    checkpoint.save(store, msgspec.structs.replace(known, places=nameless))
    machine.write(20)
    machine.rotate()
    machine.write(10)
    counts = machine.read()
    assert (counts.pieces, counts.incomplete) == (30, [])


def test_names_that_shift_while_files_are_read(tmp_path: Path) -> None:
    """A rotation in the middle of an import: what it renamed is read in its turn, none twice and none left out."""
    machine = _rotated_twice(tmp_path)
    collector = machine.collector()
    rotated: list[str] = []

    def told(file: str, _done: int, events: int) -> None:
        if events and not rotated:
            rotated.append(file)
            machine.rotate()
            machine.write(30)

    collector.told = told
    collector.read()
    assert rotated == [str(machine.folder / "mail.log.2")]
    assert collector.parser.counts.pieces == 20 + 20 + 10 + 30
    assert collector.parser.counts.incomplete == []


def test_an_older_generation_that_comes_later_is_said(tmp_path: Path) -> None:
    """It is read, with what may be wrong now and what to do; and the log is gone on with where it was."""
    machine = Machine(tmp_path, "mail.log")
    machine.write(50)
    machine.rotate()
    machine.write(20)
    assert machine.read().notes == ()
    older = str(machine.folder / "mail.log.1")
    both = replace(machine.source, paths=(*machine.source.paths, older))
    counts = machine.read(both)
    assert (counts.pieces, counts.notes) == (50, (f"{older} {run.BEHIND}",))
    assert machine.read(both).notes == (run.NOTHING_NEW,)
    machine.write(10)
    assert machine.follow().pieces == 10
