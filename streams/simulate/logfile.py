"""The files that one host's log becomes, with what its gaps did to them.

Rules:
- A log whose disk is gone ends in the middle of a line; it is kept beside the one that begins anew, under a date.
- A log that is handed in twice has a second file with the lines of that span.
- How far each file can be read at which time is told in steps: `marks`.
- A log that is live holds back what cannot be read yet, until it is released.
"""

from collections import deque
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path

from streams.simulate.handing import Fates, has
from streams.simulate.world import Fate, Gap

SECOND = 1_000_000
_END = 1 << 62

Mark = tuple[int, str, int]
"""At this time (true, microseconds), this file can be read up to this byte."""


class _File:
    """One file that is written."""

    def __init__(self, path: Path, step: int, *, live: bool) -> None:
        self.path, self._step, self._live = path, step, live
        self._held: deque[tuple[int, bytes]] = deque()
        self._stream: BufferedWriter = path.open("wb")
        self._size = 0
        self._steps: list[list[int]] = []

    def write(self, line: bytes, handed_at: int) -> None:
        """A line that can be read at a time."""
        if self._live:
            self._held.append((handed_at, line))
        else:
            self._stream.write(line)
        self._size += len(line)
        at = -(-handed_at // self._step) * self._step
        if self._steps and at <= self._steps[-1][0]:  # what stands behind it waits, too
            self._steps[-1][1] = self._size
        else:
            self._steps.append([at, self._size])

    def release(self, at: int) -> None:
        """A reader sees what can be read by a time."""
        while self._held and self._held[0][0] <= at:
            self._stream.write(self._held.popleft()[1])
        self._stream.flush()

    def close(self) -> None:
        """Nothing more comes."""
        if not self._stream.closed:
            self.release(_END)
        self._stream.close()

    def marks(self) -> list[Mark]:
        """How far it can be read, by time."""
        return [(at, self.path.name, size) for at, size in self._steps]


class LogFile:
    """The log of one source."""

    def __init__(self, path: Path, gaps: tuple[Gap, ...], step: int, *, live: bool = False) -> None:
        """Begin the log at a path; its marks stand at multiples of `step` microseconds."""
        self._path, self._step, self._live = path, step, live
        self._fates = Fates(gaps)
        self._files: list[_File] = [_File(path, step, live=live)]
        self._again: _File | None = None
        self._ended = False

    def write(self, at: int, line: bytes) -> None:
        """A line of the host, written at a true time; lines come by time."""
        gaps = self._fates.at(at)
        if gaps and (gone := has(gaps, Fate.CUT)):
            self._cut(gone, line)
        elif not (gaps and has(gaps, Fate.LOST)):
            handed = self._fates.handed_at(at)
            self._whole().write(line, handed)
            if gaps and (twice := has(gaps, Fate.TWICE)):
                self._second().write(line, max(handed, twice.until))

    def release(self, at: int) -> None:
        """A reader sees what can be read by a time."""
        for file in (self._files[-1], *([self._again] if self._again else [])):
            if not self._ended or file is self._again:
                file.release(at)

    def close(self) -> None:
        """The host says nothing more."""
        for file in self._all():
            file.close()

    def paths(self) -> list[str]:
        """Names of the files, in the order in which they are to be read."""
        return [file.path.name for file in self._all()]

    def marks(self) -> list[Mark]:
        """How far each file can be read by which time, file by file in the order in which they are to be read."""
        return [mark for file in self._all() for mark in file.marks()]

    def _all(self) -> list[_File]:
        return [*self._files, *([self._again] if self._again else [])]

    def _cut(self, gone: Gap, line: bytes) -> None:
        """The first line that the disk did not take whole is its last."""
        if self._ended:
            return
        self._ended = True
        last = self._files[-1]
        last.write(line[: len(line) // 2], gone.since)
        last.close()
        when = datetime.fromtimestamp(gone.since / SECOND, UTC).strftime("%Y%m%d-%H%M%S")
        last.path = last.path.rename(last.path.with_name(f"{self._path.name}-{when}"))

    def _whole(self) -> _File:
        if self._ended:
            self._files.append(_File(self._path, self._step, live=self._live))
            self._ended = False
        return self._files[-1]

    def _second(self) -> _File:
        if self._again is None:
            path = self._path.with_name(f"{self._path.stem}-again{self._path.suffix}")
            self._again = _File(path, self._step, live=self._live)
        return self._again
