"""The evidence of a source: its files, and all of it as events without a broker."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.collect import generations, mails, reading
from streams.collect.checkpoint import Trail
from streams.collect.declaration import Declaration, Source
from streams.collect.kinds import kind_of
from streams.collect.parser import Counts, Parser, Piece
from streams.collect.reading import Told
from streams.core.errors import Misuse
from streams.core.events import MessageEvent

Share = Callable[[Source, Declaration, Sequence[Piece]], Sequence[Piece]]
"""Which of some pieces are a source's."""


def _all(_source: Source, _declaration: Declaration, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Whatever stands in a source's files is its own."""
    return pieces


def files(source: Source) -> list[str]:
    """The files of a source, in the order in which they are read.

    Raises:
        Misuse: it has no paths, or no such kind.
    """
    if not source.paths:
        raise Misuse(f"Source {source.name} has no paths.", hint="name files or folders, or - for standard input")
    if kind_of(source).mails:
        return [file for path in source.paths for file in mails.files(path)]
    return generations.in_order(file for path in source.paths for file in reading.files(path))


def chunks(
    source: Source, path: str, counts: Counts, told: Told = reading.nobody, trail: Trail | None = None
) -> Iterator[Sequence[Piece]]:
    """Chunks of the pieces of one file of a source; a log goes on at its trail."""
    kind = kind_of(source)
    if kind.mails:
        return mails.mails(path, counts, told)
    return reading.lines(path, counts, told, trail, open_end=kind.open_end)


def set_reference(parser: Parser, source: Source, path: str) -> None:
    """Let year-less times of a file be no later than it was written, where no year is declared."""
    try:
        written = Path(path).stat().st_mtime_ns // 1000
    except OSError:
        written = None
    parser.reference = written if source.year is None else None


@dataclass(slots=True)
class Evidence:
    """What was read, source by source, as it goes.

    Attributes:
        declaration: of hosts and submission points.
        counts: by source.
        ends: latest time seen by source, microseconds.
        share: asked for the pieces that are a source's.
    """

    declaration: Declaration
    counts: dict[str, Counts] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    share: Share = _all

    @property
    def through(self) -> int:
        """Latest time seen, microseconds."""
        return max(self.ends.values(), default=0)

    def events(self, sources: Sequence[Source] | None = None) -> Iterator[MessageEvent]:
        """Every event of some sources (default: all).

        Raises:
            Misuse: a source has no paths, or no such kind.
        """
        for source in self.declaration.sources if sources is None else sources:
            parser = kind_of(source).make(source, self.declaration)
            self.counts[source.name] = parser.counts
            yield from self._of(source, parser)
            self.ends[source.name] = parser.through

    def _of(self, source: Source, parser: Parser) -> Iterator[MessageEvent]:
        for path in files(source):
            set_reference(parser, source, path)
            for pieces in chunks(source, path, parser.counts):
                own = self.share(source, self.declaration, pieces)
                yield from parser.parse(own, file=path, observed_at=time.time_ns() // 1000)
        yield from parser.close()
