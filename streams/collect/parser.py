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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from operator import add, sub
from typing import Protocol, overload

import msgspec

from streams.collect.rejection import Rejection
from streams.core.events import MessageEvent

EXAMPLES = 20
"""Unread pieces whose place is kept."""

REASONS = 100
"""Reasons that are counted by themselves: some quote what they are about."""


class Piece(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One piece of evidence: a log line without its line end, or one whole mail.

    Attributes:
        offset: byte offset (or message number) in the file.
        raw: the bytes.
    """

    offset: int
    raw: bytes


def text_of(raw: bytes) -> str:
    """The text of a line; what is not UTF-8 becomes U+FFFD, and so does NUL."""
    return without_nul(raw.decode("utf-8", "replace"))


def without_nul(text: str) -> str:
    """NUL keeps texts apart in hashes, so it may not be in one."""
    return text.replace("\0", "\ufffd")


class Block(Sequence[Piece]):
    """Consecutive lines of one file, as they stand there; a piece is made only where somebody asks for one.

    All lines are decoded at once, for a call a line costs more than the decoding.

    Attributes:
        texts: what each says.
    """

    def __init__(self, whole: bytes, offset: int) -> None:
        """Some lines.

        Args:
            whole: without the end of its last line.
            offset: of its first byte.
        """
        self._whole, self._offset = whole, offset
        if whole.isascii():
            self.texts = without_nul(whole.decode("ascii")).split("\n")
        else:
            self.texts = list(map(text_of, self._raws))

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self.texts)

    @overload
    def __getitem__(self, at: int) -> Piece: ...

    @overload
    def __getitem__(self, at: slice) -> list[Piece]: ...

    def __getitem__(self, at: int | slice) -> Piece | list[Piece]:
        """A line, or some of them."""
        if isinstance(at, slice):
            return list(map(self.__getitem__, range(*at.indices(len(self)))))
        return Piece(offset=self.offsets[at], raw=self._raws[at])

    @cached_property
    def offsets(self) -> list[int]:
        """Where each begins."""
        lines: Sequence[str | bytes] = self.texts if self._whole.isascii() else self._raws
        before = accumulate(map(len, lines), initial=self._offset)
        return list(map(add, before, range(len(lines))))  # each line before had an end

    @cached_property
    def _raws(self) -> list[bytes]:
        return self._whole.split(b"\n")

    def raw_at(self, offset: int) -> bytes | None:
        """The line that begins at an offset."""
        start = offset - self._offset
        if not 0 <= start < len(self._whole) or (start and self._whole[start - 1 : start] != b"\n"):
            return None
        end = self._whole.find(b"\n", start)
        return self._whole[start : None if end < 0 else end]

    def larger(self, size: int) -> frozenset[int]:
        """Offsets of the lines that are longer than `size` bytes."""
        after = [*self.offsets[1:], self._offset + len(self._whole) + 1]
        if max(map(sub, after, self.offsets)) <= size:
            return frozenset()
        return frozenset(at for at, end in zip(self.offsets, after, strict=True) if end - at > size + 1)


def columns(pieces: Sequence[Piece]) -> tuple[list[int], list[str]]:
    """Offsets and texts of some pieces."""
    if isinstance(pieces, Block):
        return pieces.offsets, pieces.texts
    return [piece.offset for piece in pieces], [text_of(piece.raw) for piece in pieces]


def raw_by_offset(pieces: Sequence[Piece]) -> Callable[[int], bytes | None]:
    """The bytes of the piece at an offset; None where none is there."""
    return pieces.raw_at if isinstance(pieces, Block) else {piece.offset: piece.raw for piece in pieces}.get


def large_of(pieces: Sequence[Piece], size: int) -> frozenset[int]:
    """Offsets of the pieces that are longer than `size` bytes."""
    if isinstance(pieces, Block):
        return pieces.larger(size)
    return frozenset(piece.offset for piece in pieces if len(piece.raw) > size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A piece that should have been understood and was not."""

    file: str
    offset: int
    reason: str


def _nobody(_first: Unread) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of the pieces.

    Attributes:
        pieces: how many were given.
        events: how many events came of them.
        ignored: pieces that carry nothing for custody, by program.
        unread: pieces that should be understood and are not, by reason.
        examples: the first of the unread, with place and reason.
        incomplete: of each file that could not be read to its end, where and why.
        notes: what else is to be said of them.
        told: told the first of each reason, at once.
        rejected: told what was turned away at the door; None where nobody asks.
    """

    pieces: int = 0
    events: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    examples: list[Unread] = field(default_factory=list)
    incomplete: list[Unread] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    told: Callable[[Unread], None] = field(default=_nobody, repr=False, compare=False)
    rejected: Callable[[Rejection], None] | None = field(default=None, repr=False, compare=False)

    def miss(self, file: str, offset: int, reason: str, kind: str = "") -> None:
        """Count a piece that should be understood and is not, with its place.

        Args:
            file: where it stands.
            offset: of it.
            reason: why.
            kind: of reason, that it is counted by; default: the reason.
        """
        kind, unread = kind or reason, Unread(file=file, offset=offset, reason=reason)
        if kind not in self.unread and len(self.unread) >= REASONS:
            kind = "other reasons"
        if kind not in self.unread:
            self.told(unread)
        self.unread[kind] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(unread)

    def add(self, others: "Counts") -> None:
        """Count what others counted, too."""
        self.pieces += others.pieces
        self.events += others.events
        self.ignored.update(others.ignored)
        self.unread.update(others.unread)
        self.examples[:0] = others.examples
        self.incomplete[:0] = others.incomplete


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
