"""All evidence of a declaration as events, without a broker."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from streams.collect import reading
from streams.collect.declaration import Declaration, Source
from streams.collect.kinds import kind_of
from streams.collect.parser import Counts, Parser, Piece
from streams.core.errors import Misuse
from streams.core.events import MessageEvent

Told = Callable[[str, int], None]
"""Told a file's name and how many of its bytes were read."""


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

    def chunks(source: Source, path: str, counts: Counts, told: Callable[[int], None]) -> Iterator[list[Piece]]:
    """Chunks of pieces of one file of a source."""
    return reading.mails(path, counts) if kind_of(source).mails else reading.lines(path, counts, told)
