"""All evidence of a declaration as events, without a broker."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from streams.collect import reading
from streams.collect.declaration import Declaration, Source
from streams.collect.kinds import kind_of
from streams.collect.parser import Counts, Piece
from streams.core.errors import Misuse
from streams.core.events import MessageEvent

Told = Callable[[str, int], None]
"""Told a file's name and how many of its bytes were read."""


def _nothing(_file: str, _done: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Evidence:
    """What was read, source by source, as it goes.

    Attributes:
        declaration: of hosts and submission points.
        counts: by source.
        through: latest time seen, microseconds.
    """

    declaration: Declaration
    counts: dict[str, Counts] = field(default_factory=dict)
    through: int = 0

    def events(self, sources: Sequence[Source] | None = None, told: Told = _nothing) -> Iterator[MessageEvent]:
        """Every event of some sources (default: all).

        Raises:
            Misuse: a source has no paths, or no such kind.
        """
        for source in self.declaration.sources if sources is None else sources:
            for event in self._of(source, told):
                self.through = max(self.through, event.occurred_at)
                yield event

    def _of(self, source: Source, told: Told) -> Iterator[MessageEvent]:
        if not source.paths:
            raise Misuse(f"Source {source.name} has no paths.")
        parser = kind_of(source).make(source, self.declaration)
        self.counts[source.name] = parser.counts
        for path in (file for declared in source.paths for file in reading.files(declared)):
            for pieces in chunks(source, path, parser.counts, partial(told, path)):
                yield from parser.parse(pieces, file=path, observed_at=time.time_ns() // 1000)
        yield from parser.close()


def chunks(source: Source, path: str, counts: Counts, told: Callable[[int], None]) -> Iterator[list[Piece]]:
    """Chunks of pieces of one file of a source."""
    return reading.mails(path, counts) if kind_of(source).mails else reading.lines(path, counts, told)
