"""The files of a source's logs that are to be read now, where a log may have been rotated since it was read.

Rules:
- What was read last of a log is looked for under its name, then among the generations beside it, by its content. All
  from there on are read, oldest first, declared or not: what was written before a rotation is read after it.
- If it is nowhere, lines were lost, and that is said.
- A generation that is declared later than a newer one was read is read, too, but behind its time, and that is said.
- Names shift while one reads: where they did, the files are listed again, so that none is passed over.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.collect.checkpoint import Place, found
from streams.collect.generations import NOTHING, identity, in_order, is_older, settled
from streams.collect.packed import STDIN

GONE = "what was read is gone: lines after it may be lost"

_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that is to be read.

    Attributes:
        path: of it.
        log: the log that it is a generation of; "" for standard input.
        behind: a newer generation of the log was read before.
    """

    path: str
    log: str
    behind: bool = False


def files(declared: Callable[[], list[str]], places: Callable[[], Sequence[Place]]) -> Iterator[File]:
    """What is to be read, file by file; whoever asks for the next has read the one before.

    Args:
        declared: asked for the files that are declared, as they are now.
        places: asked how far each log was read.
    """
    given: set[tuple[int, int]] = set()
    for tries_left in range(_TRIES, -1, -1):
        there = [(file, identity(Path(file.path))) for file in listed(declared(), places())]
        for file, known in there:
            if tries_left and identity(Path(file.path)) != known:
                break
            if known not in given:
                yield file
            given |= {known} - {NOTHING}
        else:
            return


def listed(declared: Sequence[str], places: Sequence[Place]) -> list[File]:
    """The declared files, and those that a log was rotated to since it was read, in the order to read them."""
    there = {path: file for log, of_it in _logs(declared).items() for path, file in _of(log, of_it, places).items()}
    return [there[path] for path in in_order(there)]


def lost(declared: Sequence[str], places: Sequence[Place]) -> list[Place]:
    """What was read last of logs and is nowhere any more."""
    logs = _logs(declared)
    wanted = [(path, one) for path in logs for one in _last(path, places) if one.log and os.access(path, os.R_OK)]
    return [one for path, one in wanted if not (_since(path, [one]) or any(one.fits(Path(old)) for old in logs[path]))]


def name_of(path: str) -> str:
    """What a log is called in a checkpoint, whatever folder one is in."""
    return "" if path == STDIN else str(Path(path).absolute())


def _logs(declared: Sequence[str]) -> dict[str, list[str]]:
    """The declared logs, each with those of its generations that are declared, too."""
    logs = [path for path in declared if not any(is_older(path, log) for log in declared)]
    return {log: [path for path in declared if path == log or is_older(path, log)] for log in logs}


def _of(log: str, declared: Sequence[str], places: Sequence[Place]) -> dict[str, File]:
    """The files of one log by their paths."""
    since = [] if log == STDIN else _since(log, _last(log, places))
    first = since[0] if since else None
    paths = {Path(path): path for path in (*map(str, since), *declared)}
    behind = set() if first is None else {path for path in paths if is_older(str(path), log) and path not in since}
    return {path: File(path=path, log=name_of(log), behind=place in behind) for place, path in paths.items()}


def _last(log: str, places: Sequence[Place]) -> Sequence[Place]:
    """What was read last of a log; where a checkpoint does not say of which log anything was, all of that."""
    return [one for one in places if one.log == name_of(log)][-1:] or [one for one in places if not one.log]


def _since(log: str, last: Sequence[Place]) -> list[Path]:
    """The generations of a log from what was read last of it on; none where that is nowhere."""

    def after(there: list[Path]) -> list[Path]:
        fitting = (at for at in range(len(there) - 1, -1, -1) if found(str(there[at]), last))
        return there[at:] if (at := next(fitting, -1)) >= 0 else []

    return settled(Path(log), after) if last else []
