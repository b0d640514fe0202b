"""Reading logs: files and folders into lines, in bounded chunks.

Rules:
- A piece is a line without its end; empty lines are none.
- A line that is longer than `LINE` is cut and counted; a last line without an end is counted and not read, for half a
  line may say something else than the whole one. It is read when the file has grown.
- Whatever cannot be read is counted with its place and reason, and costs nothing else. A file that ends before its end
  makes its source incomplete; an empty one does not.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from streams.collect.checkpoint import Trail
from streams.collect.packed import BROKEN, STDIN, Text, reason
from streams.collect.parser import Block, Counts, Piece, Unread

LINE = 1 << 20
"""Bytes of a line that are kept."""

Told = Callable[[int], None]
"""Told how many bytes of the file on disk were read."""


def nobody(_done: int) -> None:
    """Tell nobody."""


def files(path: str) -> list[str]:
    """The files that a declared path of a log means: itself, or those of the folder in the order of their names."""
    place = Path(path)
    if path != STDIN and place.is_dir():
        return [str(file) for file in sorted(place.rglob("*")) if _may_be_log(file)]
    return [path]


def _may_be_log(file: Path) -> bool:
    """Is a file in a folder one to read; a link that leads nowhere is, so that it is counted."""
    return not file.name.startswith(".") and (file.is_file() or (file.is_symlink() and not file.exists()))


class Lines:
    """Blocks to lines, across the ends of blocks.

    Attributes:
        trail: how far the lines were given.
    """

    def __init__(self, counts: Counts, path: str, trail: Trail | None = None) -> None:
        """Begin where a trail ends."""
        self.trail = trail or Trail()
        self._counts, self._path = counts, path
        self._rest = b""
        self._lost = 0  # bytes of the unfinished line beyond its first LINE

    @property
    def unfinished(self) -> bytes:
        """The line that has not ended."""
        return self._rest

    def feed(self, block: bytes) -> Sequence[Piece]:
        """The lines that end in a block."""
        long: list[Piece] = []
        if self._lost:
            block = self._long(block, long)
        text = self._rest + block if self._rest else block
        size = text.rfind(b"\n") + 1
        lines: Sequence[Piece] = ()
        if size:
            lines = lines_of(text[: size - 1], self.trail.offset, self._counts, self._path)
            self.trail.go_on(text[:size])
        self._rest = text[size:] if size else text
        if len(self._rest) > LINE:
            self._lost = len(self._rest) - LINE
            self._rest = self._rest[:LINE]
        return [*long, *lines] if long else lines

    def _long(self, block: bytes, pieces: list[Piece]) -> bytes:
        """Pass over what belongs to a line that is too long; returns what follows it."""
        more, end, block = block.partition(b"\n")
        self._lost += len(more)
        if end:
            size = LINE + self._lost
            too_long(self._counts, self._path, self.trail.offset, size)
            pieces.append(Piece(offset=self.trail.offset, raw=self._rest))
            self.trail.go_on(more + end, size + 1, self._rest)
            self._rest, self._lost = b"", 0
        return block


def lines_of(whole: bytes, offset: int, counts: Counts, path: str) -> Sequence[Piece]:
    """The lines of a text that ends where a line does.

    Args:
        whole: without the end of its last line.
        offset: of its first byte.
        counts: told of lines that are cut.
        path: of the file.
    """
    if b"\r" not in whole and len(whole) <= LINE:
        block = Block(whole, offset)
        if all(block.texts):
            return block
    return [trimmed for piece in _split(whole, offset) if (trimmed := _trimmed(piece, counts, path)).raw]


def _split(whole: bytes, offset: int) -> Iterator[Piece]:
    for line in whole.split(b"\n"):
        yield Piece(offset=offset, raw=line)
        offset += len(line) + 1


def _trimmed(piece: Piece, counts: Counts, path: str) -> Piece:
    if len(piece.raw) > LINE:
        too_long(counts, path, piece.offset, len(piece.raw))
    return Piece(offset=piece.offset, raw=piece.raw[:LINE].rstrip(b"\r"))


def lines(
    path: str, counts: Counts, told: Told = nobody, trail: Trail | None = None, *, open_end: bool = False
) -> Iterator[Sequence[Piece]]:
    """Chunks of the complete lines of one file.

    Args:
        path: a file, or "-".
        counts: told what cannot be read.
        told: told how far it is.
        trail: where to go on; it goes on with each chunk.
        open_end: a last line without an end counts: lines of this kind tell themselves whether they are whole.
    """
    trail = trail or Trail()
    splitter = Lines(counts, path, trail)
    try:
        with Text(path) as text:
            for block in text.blocks(trail.offset):
                if pieces := splitter.feed(block):
                    yield pieces
                told(text.told)
    except BROKEN as error:
        incomplete(counts, path, trail.offset, f"cannot be read: {reason(error)}")
        return
    if splitter.unfinished and open_end:
        yield splitter.feed(b"\n")
    elif splitter.unfinished:
        incomplete(counts, path, trail.offset, "the last line has no end: the file is cut off")
    elif trail.offset == 0:
        unread(counts, path, 0, "an empty file")


def too_long(counts: Counts, path: str, offset: int, size: int) -> None:
    """Count a line of which only the beginning is read."""
    unread(counts, path, offset, f"a line that is too long: {size} bytes, of which the first {LINE} count")


def incomplete(counts: Counts, file: str, offset: int, why: str) -> None:
    """Count a file that could not be read to its end."""
    unread(counts, file, offset, why)
    counts.incomplete.append(Unread(file=file, offset=offset, reason=why))


def unread(counts: Counts, file: str, offset: int, why: str) -> None:
    """Count what could not be read, with its place, by what stands before the colon."""
    counts.miss(file, offset, why, why.partition(":")[0])
