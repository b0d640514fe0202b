"""Following a log as it is written, through rotation by renaming and by copying and truncating.

Rules:
- A line counts when its end is there; what is half written waits.
- A renamed file is read to its end before the new one is begun; a file that became shorter is begun again.
- After a restart the file that the checkpoint means is found by its first bytes, under its old name or a rotated one.
- A file that is away is waited for.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from streams.collect import reading
from streams.collect.checkpoint import Mark, mark
from streams.collect.parser import Counts, Piece

POLL = 0.2
"""Seconds between looks at a file that has nothing new."""


def follow(
    path: Path, counts: Counts, start: tuple[Mark | None, int], stopped: Callable[[], bool]
) -> Iterator[tuple[Path, int, list[Piece]]]:
    """Complete lines as they come: the file, the offset after them, and the lines; an empty list where nothing is new.

    Args:
        path: the log.
        counts: told what cannot be read.
        start: how the file of the checkpoint is known, and the offset in it.
        stopped: asked between looks.
    """
    current, offset = _resumed(path, *start)
    while not stopped():
        try:
            with current.open("rb") as file:
                for offset, pieces in _until_rotated(file, current, path, offset, counts, stopped):  # noqa: B020 - it goes on where it was
                    yield current, offset, pieces
        except OSError:
            yield current, offset, []
            time.sleep(POLL)
            continue
        current, offset = path, 0


def _resumed(path: Path, known: Mark | None, offset: int) -> tuple[Path, int]:
    """The file that a checkpoint means and where to go on in it; the log from its beginning where it is gone."""
    if known is None:
        return path, 0
    for candidate in (path, *sorted(path.parent.glob(f"{path.name}[.-]*"), key=_age)):
        if known.fits(candidate):
            return candidate, offset
    return path, 0


def _until_rotated(
    file: object, current: Path, path: Path, offset: int, counts: Counts, stopped: Callable[[], bool]
) -> Iterator[tuple[int, list[Piece]]]:
    """Lines of one open file until another stands in its place and it has no more."""
    handle = file.fileno()  # type: ignore[attr-defined]
    while not stopped():
        if os.fstat(handle).st_size < offset:
            offset = 0  # truncated in place: begun again
        block = os.pread(handle, reading.CHUNK, offset)
        whole, end, _ = block.rpartition(b"\n")
        if end:
            yield offset + len(whole) + 1, reading.pieces(whole, offset, counts, str(path))
            offset += len(whole) + 1
        elif len(block) >= reading.CHUNK:
            yield offset + len(block), reading.pieces(block, offset, counts, str(path))
            offset += len(block)
        elif current != path or _replaced(handle, path):
            return
        else:
            yield offset, []
            time.sleep(POLL)


def _replaced(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    mine = os.fstat(handle)
    return (there.st_ino, there.st_dev) != (mine.st_ino, mine.st_dev)


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


__all__ = ["follow", "mark"]
