"""Following a log as it is written, through rotation by renaming and by copying and truncating.

Rules:
- A line counts when its end is there; what is half written waits.
- What was read is known by its content, not by its name or inode: the first bytes and those before the offset. So it is
  found again under a rotated name, packed, or in the copy that was made before the log was truncated.
- Generations are read in their order, none is left out, however many came between two looks. One is left only when a
  newer one holds something and a further look at the old one found no more: its writer has gone over.
- A block counts only if the file begins as before after it was read: a log may be truncated at any moment.
- A file that is away is waited for. Nothing here sleeps: who asks decides when to look again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.collect.checkpoint import HEAD, Mark, Place, Trail, mark, trail_of
from streams.collect.generations import identity, settled
from streams.collect.packed import BROKEN, Text, reason
from streams.collect.parser import Counts, Piece
from streams.collect.reading import LINE, lines_of, too_long, unread
from streams.collect.rotation import GONE

CHUNK = LINE
"""Bytes of one look."""

KNOWN = 64
"""Older generations that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a log found.

    Attributes:
        pieces: complete lines.
        file: where they stand.
        all_read: there is nothing more, not even half a line.
        idle: nothing happened: wait before the next look.
        away: the evidence is not there, or not ours to read.
        ended: there will never be more.
    """

    pieces: Sequence[Piece] = ()
    file: str = ""
    all_read: bool = False
    idle: bool = False
    away: bool = False
    ended: bool = False


class Follower:
    """Looks at one log again and again.

    Attributes:
        path: of the log.
        known: generations that are older than the one that is read.
    """

    def __init__(
        self, path: Path, counts: Counts, place: Place | None = None, known: Sequence[Mark] | None = None
    ) -> None:
        """Begin where a checkpoint says; where it says nothing (None), at the beginning of the log as it is now."""
        self.path = path
        self.known = _older(path) if known is None else tuple(known)
        self._counts, self._wanted = counts, place
        self._text: Text | None = None
        self._at = path
        self._trail, self._scanned = Trail(), 0
        self._is_leaving = False
        self._broken: set[tuple[int, ...]] = set()
        self._said: tuple[Path, str] | None = None

    @property
    def place(self) -> Place | None:
        """How far it was read, for the checkpoint; None at the beginning of a generation."""
        return self._wanted if self._text is None else self._trail.place

    def look(self) -> Look:
        """Complete lines that were not read before."""
        try:
            return self._look()
        except BROKEN as error:
            self._say(f"cannot be read: {reason(error)}")
            return self._give_up()

    def _say(self, why: str) -> None:
        """Count what cannot be read, once for each reason and place."""
        if self._said != (self._at, why):
            self._said = (self._at, why)
            unread(self._counts, str(self._at), self._trail.offset, why)

    def close(self) -> None:
        """Close the file; what was read of it is looked for again."""
        self._wanted = self.place
        self._shut()

    def _shut(self) -> None:
        if self._text is not None:
            self._text.close()
        self._text = None

    def _look(self) -> Look:
        text = self._text or self._open()
        if text is None:
            return Look(idle=True, away=not self.path.exists())
        block = text.read(CHUNK, self._trail.offset + self._scanned)
        if self._is_replaced(text):
            self.close()
            return Look()
        pieces = self._lines(text, block)
        if pieces is not None or len(block) >= CHUNK:
            return Look(pieces=pieces or (), file=str(self.path))
        return self._at_end(text)

    # which file

    def _open(self) -> Text | None:
        """Open the generation that is to be read; None while it is away."""
        if self._wanted is not None:
            wanted = self._wanted
            found = settled(self.path, lambda there: next((old for old in reversed(there) if wanted.fits(old)), None))
            if found is not None:
                return self._resume(found, wanted)
            unread(self._counts, str(self.path), wanted.offset, GONE)
            self._wanted = None
        fresh = self._fresh()
        return self._enter(fresh[0] if fresh else self.path)

    def _resume(self, path: Path, wanted: Place) -> Text | None:
        text = self._enter(path)
        trail = None if text is None else trail_of(text, wanted)
        if trail is None:  # the names have shifted since: look again
            self._shut()
            return None
        self._trail, self._wanted = trail, None
        return text

    def _enter(self, path: Path) -> Text | None:
        self._at, self._trail, self._scanned, self._is_leaving = path, Trail(), 0, False
        try:
            self._text = Text(str(path))
        except FileNotFoundError:
            self._text = None
        return self._text

    def _give_up(self) -> Look:
        """Pass over a generation that cannot be read; the log itself is tried again."""
        self.close()
        if self._at == self.path:
            return Look(idle=True, away=True)
        self._broken.add(_state(self._at))
        self._wanted = None
        return Look()

    def _is_replaced(self, text: Text) -> bool:
        """Is the open file no longer what was begun, or is there something older to read first."""
        if text.is_packed:
            return False
        if self._trail.offset:
            return text.read(len(self._trail.head), 0) != self._trail.head
        fresh = self._fresh()
        return bool(fresh) and fresh[0] != self._at

    def _fresh(self) -> list[Path]:
        """The generations after those that are known, oldest first."""
        return settled(self.path, self._after_known)

    def _after_known(self, there: list[Path]) -> list[Path]:
        for index in range(len(there) - 1, -1, -1):
            if there[index] != self.path and any(_fits(there[index], old) for old in reversed(self.known)):
                return self._filled(there[index + 1 :])
        return self._filled(there)

    def _filled(self, paths: list[Path]) -> list[Path]:
        """Without those that hold nothing, which a packed file does not show, and those that were given up."""
        kept = [path for path in paths if path == self.path or _state(path) not in self._broken]
        return [path for path in kept if not _is_empty(path)]

    # what is in it

    def _lines(self, text: Text, block: bytes) -> Sequence[Piece] | None:
        """The complete lines of a block; None where there is none."""
        if self._scanned:
            return self._long(text, block)
        whole, end, _ = block.rpartition(b"\n")
        if not end:
            self._scanned = len(block) if len(block) >= CHUNK else 0
            return None
        pieces = lines_of(whole, self._trail.offset, self._counts, str(self.path))
        self._go_on(block[: len(whole) + 1])
        return pieces

    def _long(self, text: Text, block: bytes) -> Sequence[Piece] | None:
        """The end of a line that is longer than a block."""
        more, end, _ = block.partition(b"\n")
        if not end:
            self._scanned += len(block)
            return None
        size = self._scanned + len(more)
        piece = Piece(offset=self._trail.offset, raw=text.read(LINE, self._trail.offset).rstrip(b"\r\n"))
        if size > LINE:
            too_long(self._counts, str(self.path), self._trail.offset, size)
        self._go_on(more + end, size + 1, piece.raw)
        return [piece]

    def _go_on(self, consumed: bytes, size: int | None = None, start: bytes = b"") -> None:
        self._trail.go_on(consumed, size, start)
        self._scanned, self._is_leaving = 0, False

    def _at_end(self, text: Text) -> Look:
        """Nothing more in this generation: go over to the next, if it holds something."""
        half = text.read(1, self._trail.offset) != b""
        newer = self._newer(text)
        if not newer:
            is_there = self.path.exists()
            return Look(idle=True, all_read=is_there and not half, away=not is_there)
        if not self._is_leaving:
            self._is_leaving = True
            return Look()
        if half:
            unread(self._counts, str(self.path), self._trail.offset, "the last line has no end: cut off by rotation")
        if self._trail.head:
            self.known = (*self.known, mark(self._trail.head))[-KNOWN:]
        self._shut()
        self._enter(newer[0])
        return Look()

    def _newer(self, text: Text) -> list[Path]:
        """The generations after the one that is open, oldest first."""
        mine = text.status
        if identity(self.path) == (mine.st_dev, mine.st_ino):
            return []
        place = self.place
        if place is None:
            return [path for path in self._fresh() if identity(path) != (mine.st_dev, mine.st_ino)]
        return settled(self.path, lambda there: self._after_place(there, place))

    def _after_place(self, there: list[Path], place: Place) -> list[Path]:
        for index in range(len(there) - 1, -1, -1):
            if place.fits(there[index]):
                return self._filled(there[index + 1 :])
        return self._after_known(there)


def _older(path: Path) -> tuple[Mark, ...]:
    """The generations that are there before a log is begun."""
    return settled(path, lambda there: tuple(_mark(old) for old in there if old != path))[-KNOWN:]


def _state(path: Path) -> tuple[int, ...]:
    """What a file that was given up is known by: a later one may have its inode. Of a file that is gone, nothing."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _is_empty(path: Path) -> bool:
    """Does a file hold nothing; one that cannot be read holds something."""
    try:
        with Text(str(path)) as text:
            return not text.read(1, 0)
    except BROKEN:
        return False


def _head(path: Path, size: int) -> bytes:
    try:
        with Text(str(path)) as text:
            return text.read(size, 0)
    except BROKEN:
        return b""


def _mark(path: Path) -> Mark:
    return mark(_head(path, HEAD))


def _fits(path: Path, old: Mark) -> bool:
    return old.size > 0 and old.fits(_head(path, old.size))
