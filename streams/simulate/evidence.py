"""A simulated network's evidence as its systems would have written it: logs, reports, receipts, and their declaration.

Rules:
- One pass over the acts; what is held is the lines of some microseconds and the entries that stand in queues.
- Hosts without a declared source write nothing that anybody reads.
- At a pace the files grow as it goes, and hold nothing that could not be read yet.
- `handed.jsonl` tells how far each log could be read at which time; mails tell it by their names. An import reads
  everything at once and needs neither.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from streams import profiles
from streams.collect.declaration import Source
from streams.core.errors import Misuse
from streams.simulate.acts import Act, Receipted, Reported
from streams.simulate.declared import TERMS, text
from streams.simulate.directory import Directory
from streams.simulate.dovecotlog import DovecotLog
from streams.simulate.hostlog import HostLog
from streams.simulate.logfile import LogFile
from streams.simulate.mailfolder import MailFolder
from streams.simulate.pace import Pace
from streams.simulate.postfixlog import PostfixLog
from streams.simulate.receiptmail import receipt
from streams.simulate.reportmail import Clock, report
from streams.simulate.world import Gap, World

SOURCES, HANDED = "sources.toml", "handed.jsonl"
STEP = 60 * 1_000_000
"""Microseconds between the times at which it is told how far a log could be read."""

_END = 1 << 62


class _Host:
    """The writer of one host's log."""

    def __init__(self, world: World, source: Source, file: LogFile, directory: Directory) -> None:
        dovecot = source.kind == "dovecot"
        self._writer: PostfixLog | DovecotLog = DovecotLog() if dovecot else PostfixLog(directory)
        clock = partial(world.written_at, source.host)
        self._log = HostLog(clock, "+0000", "") if dovecot else HostLog(clock, "+00:00", source.host)
        self._file = file

    def take(self, act: Act) -> None:
        """Write what the host says of an act."""
        self._drain(act.at)
        self._log.say(self._writer.lines(act), act.at)

    def release(self, at: int) -> None:
        """A reader sees what the host said by a time."""
        self._drain(at)
        self._file.release(at)

    def close(self) -> None:
        """The host says nothing more."""
        self._drain(_END)
        self._file.close()

    def _drain(self, at: int) -> None:
        for when, line in self._log.until(at):
            self._file.write(when, line)


def make(folder: Path) -> None:
    """Make a folder for evidence; what stands in one already would be taken for it.

    Raises:
        Misuse: the folder is not empty, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"{folder} cannot be made: {error.strerror}.", hint="name another folder") from error
    if any(folder.iterdir()):
        raise Misuse(f"{folder} is not empty.", hint="name a new folder: what stands in it would count as evidence")


def fill(world: World, folder: Path, step: int = STEP, pace: Pace | None = None) -> None:
    """Write a world's evidence into a folder, with the `sources.toml` that declares it.

    Args:
        world: what happened.
        folder: a new one.
        step: microseconds between the marks of `handed.jsonl`.
        pace: at which the evidence is written; None: at once.
    """
    logs = {
        source.name: LogFile(folder / source.paths[0], _gaps(world, source.name), step, live=pace is not None)
        for source in world.declaration.sources
        if source.kind != "reports"
    }
    (folder / TERMS).write_text(profiles.text_of(world.declaration.terms), encoding="utf-8")
    _declare(world, folder, {})  # who follows the files as they grow needs it first
    _acts(world, logs, folder, pace)
    _declare(world, folder, {name: tuple(log.paths()) for name, log in logs.items()})
    marks = [(at, name, file, size) for name, log in logs.items() for at, file, size in log.marks()]
    with (folder / HANDED).open("w", encoding="utf-8") as handed:
        for at, name, file, size in sorted(marks, key=lambda mark: mark[:2]):  # of one log, as they are to be read
            handed.write(json.dumps({"at": at, "source": name, "file": file, "size": size}) + "\n")


def _declare(world: World, folder: Path, more: dict[str, tuple[str, ...]]) -> None:
    paths = {source.name: source.paths for source in world.declaration.sources} | more
    (folder / SOURCES).write_text(text(world.declaration, paths, world.until), encoding="utf-8")


def _acts(world: World, logs: dict[str, LogFile], folder: Path, pace: Pace | None) -> None:
    directory = Directory(world.declaration)
    hosts = {s.name: _Host(world, s, logs[s.name], directory) for s in world.declaration.sources if s.name in logs}
    mails = {
        source.name: MailFolder(folder / source.paths[0], _gaps(world, source.name), live=pace is not None)
        for source in world.declaration.sources
        if source.kind == "reports"
    }
    growing: list[_Host | MailFolder] = [*hosts.values(), *mails.values()]
    for act in world.acts:
        if pace is not None and pace.ahead(act.at):
            _wait(pace, growing, act.at)
        source = world.source_of(act)
        if host := hosts.get(source):
            host.take(act)
        elif box := mails.get(source):
            box.put(act.at, act.host, _mail(act, directory, world.written_at))
    for one in growing:
        one.close()


def _wait(pace: Pace, growing: Sequence["_Host | MailFolder"], at: int) -> None:
    """Before the moment comes, all that was said until then can be read."""
    for one in growing:
        one.release(at)
    pace.wait(at)


def _mail(act: Act, directory: Directory, clock: Clock) -> bytes:
    match act:
        case Reported():
            return report(act, directory, clock)
        case Receipted():
            return receipt(act, directory, clock)
        case _:
            raise TypeError(f"{type(act).__name__} is no mail")


def _gaps(world: World, source: str) -> tuple[Gap, ...]:
    return tuple(gap for gap in world.gaps if gap.source == source)
