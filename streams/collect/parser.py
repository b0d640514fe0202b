"""What every parser of evidence is: lines (or mails) in, MessageEvents out, and nothing dropped in silence.

Rules:
- A parser is pure but for its own memory of open queue entries: no file, no clock, no broker. `observed_at` is an
  argument, so that the same bytes give the same events.
- Its memory is part of the checkpoint: `state()` after N lines, given to `restore()`, goes on exactly as if it had
  never stopped.
- A line that carries nothing for custody is counted by program; a line that should be understood and is not is
  counted with its place and reason (`Unread`). Foreign bytes never raise.
- Texts are decoded as UTF-8; what is not valid becomes U+FFFD before it enters an event.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, overload

import msgspec

from streams.core.events import MessageEvent


class Piece(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One piece of evidence: a log line without its line end, or one whole mail.

    Attributes:
        offset: byte offset (or message number) in the file.
        raw: the bytes.
    """

    offset: int
    raw: bytes


class Block(Sequence[Piece]):
    """Consecutive pieces of one file, kept as columns: a piece is made only where somebody asks for one.

    Attributes:
        offsets: of each.
        raws: the bytes of each.
    """

    __slots__ = ("offsets", "raws")

    def __init__(self, offsets: list[int], raws: list[bytes]) -> None:
        """Put columns of the same length together."""
        self.offsets, self.raws = offsets, raws

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self.raws)

    @overload
    def __getitem__(self, at: int) -> Piece: ...

    @overload
    def __getitem__(self, at: slice) -> "Block": ...

    def __getitem__(self, at: int | slice) -> "Piece | Block":
        """A piece, or some of them."""
        if isinstance(at, slice):
            return Block(self.offsets[at], self.raws[at])
        return Piece(offset=self.offsets[at], raw=self.raws[at])


def block_of(pieces: Sequence[Piece]) -> Block:
    """Some pieces as columns."""
    if isinstance(pieces, Block):
        return pieces
    return Block([piece.offset for piece in pieces], [piece.raw for piece in pieces])


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A piece that should have been understood and was not."""

    file: str
    offset: int
    reason: str


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of the pieces.

    Attributes:
        pieces: how many were given.
        events: how many events came of them.
        ignored: pieces that carry nothing for custody, by program.
        unread: pieces that should be understood and are not, by reason.
        examples: the first of the unread, with place and reason.
    """

    pieces: int = 0
    events: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    examples: list[Unread] = field(default_factory=list)

    def add(self, others: "Counts") -> None:
        """Count what others counted, too."""
        self.pieces += others.pieces
        self.events += others.events
        self.ignored.update(others.ignored)
        self.unread.update(others.unread)
        self.examples[:0] = others.examples


class Parser(Protocol):
    """Evidence of one source in, events out.

    Attributes:
        counts: what became of the pieces.
        through: microseconds UTC, the latest time seen.
        reference: microseconds UTC that no year-less time is later than by more than a day: when the file was last
            written; None: the time it is read.
    """

    counts: Counts
    through: int
    reference: int | None

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> Iterable[MessageEvent]:
        """The events of these pieces, in order.

        Args:
            pieces: consecutive pieces of one file.
            file: the file's name, as it shall stand in the events.
            observed_at: microseconds UTC, when the pieces were read.
        """
        ...

    def close(self) -> Iterable[MessageEvent]:
        """The events that only the end of an import can tell; nothing for a live source."""
        ...

    def state(self) -> bytes:
        """The memory of open entries, for the checkpoint."""
        ...

    def restore(self, state: bytes) -> None:
        """Take up the memory of a checkpoint; an unknown format raises Misuse."""
        ...
