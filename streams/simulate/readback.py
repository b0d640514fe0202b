"""Evidence in a folder, read by the collectors as it became readable: what a live ledger would have been told, by time.

Rules:
- Each source has its own parser, which sees its files grow as `handed.jsonl` says; mails come as their names say.
- The parsers are those of the collectors, and so is the cutting of bytes into lines.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from streams.collect.declaration import Declaration, Source
from streams.collect.kinds import kind_of
from streams.collect.mails import files
from streams.collect.parser import Counts, Parser, Piece
from streams.collect.reading import Lines
from streams.core.events import MessageEvent
from streams.simulate.evidence import HANDED, STEP
from streams.simulate.mailfolder import come_at


class Growth(NamedTuple):
    """A file that can be read further.

    Attributes:
        at: since then, microseconds.
        source: name of the source.
        path: of the file.
        size: so many bytes of it; -1 for the whole of it, a mail.
    """

    at: int
    source: str
    path: Path
    size: int


@dataclass(slots=True)
class _Log:
    lines: Lines
    read: int = 0


@dataclass(slots=True)
class Readback:
    """Reads a folder of evidence.

    Attributes:
        folder: that `evidence.fill` filled.
        declaration: of its sources.
        step: microseconds between two batches.
        counts: what became of the pieces, by source.
    """

    folder: Path
    declaration: Declaration
    step: int = STEP
    counts: dict[str, Counts] = field(default_factory=dict)
    _parsers: dict[str, Parser] = field(default_factory=dict)
    _logs: dict[Path, _Log] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Set up a parser a source."""
        for source in self.declaration.sources:
            self._parsers[source.name] = kind_of(source).make(source, self.declaration)
            self.counts[source.name] = self._parsers[source.name].counts

    def batches(self) -> Iterator[tuple[int, list[MessageEvent]]]:
        """What could be read by each multiple of the step, where that was anything."""
        for at, grown in groupby(self.growths(), lambda one: -(-one.at // self.step) * self.step):
            yield at, [event for growth in grown for event in self._events(growth, at)]

    def growths(self) -> Iterator[Growth]:
        """All growth of files, by time."""
        mails = [source for source in self.declaration.sources if kind_of(source).mails]
        return merge(self._of_logs(), *(self._of_mails(source) for source in mails), key=lambda one: one.at)

    def _of_logs(self) -> Iterator[Growth]:
        with (self.folder / HANDED).open(encoding="utf-8") as lines:
            for line in lines:
                said = json.loads(line)
                yield Growth(said["at"], said["source"], self.folder / said["file"], said["size"])

    def _of_mails(self, source: Source) -> Iterator[Growth]:
        for path in source.paths:
            for file in files(path):
                yield Growth(come_at(Path(file).name), source.name, Path(file), -1)

    def _events(self, growth: Growth, at: int) -> list[MessageEvent]:
        parser = self._parsers[growth.source]
        pieces = self._pieces(growth, parser.counts)
        return list(parser.parse(pieces, file=str(growth.path), observed_at=at)) if pieces else []

    def _pieces(self, growth: Growth, counts: Counts) -> Sequence[Piece]:
        if growth.size < 0:
            return [Piece(offset=0, raw=growth.path.read_bytes())]
        log = self._logs.get(growth.path)
        if log is None:
            log = self._logs[growth.path] = _Log(Lines(counts, str(growth.path)))
        with growth.path.open("rb") as stream:
            stream.seek(log.read)
            block = stream.read(growth.size - log.read)
        log.read = growth.size
        return log.lines.feed(block)
