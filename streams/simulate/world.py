"""A world: what its systems did, what became of the evidence of it, and whose clock was wrong."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from streams.collect.declaration import Declaration
from streams.simulate.acts import Act, Receipted, Reported


class Fate(StrEnum):
    """What became of the evidence of one source in a span of time."""

    LOST = "lost"  # it was written and is gone
    CUT = "cut"  # the disk is gone: the log ends in the middle of a line at `since`, and says nothing until `until`
    LATE = "late"  # it was handed in at `until`
    TWICE = "twice"  # it was handed in at once, and again at `until`
    DOWN = "down"  # nobody collected it; at `until` the collector reads on where it was


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one source's evidence of [since, until), by true time."""

    source: str
    since: int
    until: int
    fate: Fate

    def holds(self, at: int) -> bool:
        """Does it begin by a time, and end after it."""
        return self.since <= at < self.until


class Skew(msgspec.Struct, frozen=True, kw_only=True):
    """A host's clock is wrong by `by` microseconds (negative: slow) in [since, until), by true time."""

    host: str
    since: int
    until: int
    by: int


def shown(skews: Iterable[Skew], host: str, at: int) -> int:
    """The time that a host's clock shows at a true time; two errors at once add up."""
    return at + sum(skew.by for skew in skews if skew.host == host and skew.since <= at < skew.until)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that happened in a span, and what its evidence is declared as.

    Attributes:
        seed: that it was made from.
        since: begin, microseconds UTC.
        until: end.
        declaration: hosts, submission points, local domains and sources. The source `reports` holds what came to the
            report mailboxes of all origins; each other source is the log of the host it names.
        acts: by time.
        gaps: what became of the evidence.
        skews: clocks that are wrong.
    """

    seed: int
    since: int
    until: int
    declaration: Declaration
    acts: tuple[Act, ...]
    gaps: tuple[Gap, ...] = ()
    skews: tuple[Skew, ...] = ()

    def written_at(self, host: str, at: int) -> int:
        """The time that a host's clock shows at a true time."""
        return shown(self.skews, host, at)

    def source_of(self, act: Act) -> str:
        """The source whose evidence an act is."""
        if isinstance(act, Reported | Receipted):
            return REPORTS
        return f"{act.host}-log"


REPORTS = "reports"
"""The source that is the report mailboxes."""
