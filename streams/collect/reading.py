"""Reading evidence: files, folders and streams into pieces, in bounded chunks.

Rules:
- Plain, gzip, xz and bzip2 are told apart by their first bytes, not by their names.
- A log's piece is a line without its end; a mail's piece is one whole mail, from a Maildir, a folder, an mbox or a tar.
- Whatever cannot be read is counted with its place and reason, and costs nothing else.
"""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from streams.collect.parser import Counts, Piece, Unread

CHUNK = 1 << 20
"""Bytes that are read at once."""

LINE = 1 << 20
"""Bytes of a line that are kept."""

MAIL = 32 << 20
"""Bytes of a mail that are read."""

_MAGIC = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, tarfile.TarError)

Told = Callable[[int], None]
"""Told how many bytes of the files on disk were read."""


def files(path: str) -> list[str]:
    """The files that a declared path means, in the order of their names; a Maildir, mbox or tar is one."""
    place = Path(path)
    if path != "-" and place.is_dir() and not is_maildir(place):
        return [str(file) for file in sorted(place.rglob("*")) if file.is_file()]
    return [path]


def is_maildir(place: Path) -> bool:
    """Is a folder a Maildir."""
    return all((place / name).is_dir() for name in ("cur", "new"))


def lines(path: str, counts: Counts, told: Told = lambda _: None) -> Iterator[list[Piece]]:
    """Chunks of lines of one file; offsets are of its uncompressed text."""
    try:
        with _opened(path) as (stream, raw):
            yield from _chunks(stream, path, counts, lambda: told(raw.tell() if raw else 0))
    except _BROKEN as error:
        unread(counts, path, 0, f"cannot be read: {_reason(error)}")


def _chunks(stream: BinaryIO, path: str, counts: Counts, told: Callable[[], None]) -> Iterator[list[Piece]]:
    offset, rest = 0, b""
    while block := stream.read(CHUNK):
        whole, _, tail = (rest + block).rpartition(b"\n")
        if not whole and len(tail) < LINE * 2:
            rest = tail
            continue
        told()
        yield pieces(whole, offset, counts, path)
        offset += len(whole) + 1
        rest = tail
    if rest:
        unread(counts, path, offset, "the last line has no end: the file is cut off")
        yield pieces(rest, offset, counts, path)
    elif offset == 0:
        unread(counts, path, 0, "an empty file")
    told()


def pieces(block: bytes, offset: int, counts: Counts, path: str) -> list[Piece]:
    """The lines of a block."""
    found = []
    for line in block.split(b"\n"):
        if len(line) > LINE:
            unread(counts, path, offset, f"a line of {len(line)} bytes: only its first {LINE} count")
        if line:
            found.append(Piece(offset=offset, raw=line[:LINE].rstrip(b"\r")))
        offset += len(line) + 1
    return found


def mails(path: str, counts: Counts) -> Iterator[list[Piece]]:
    """Chunks of mails of one file or Maildir."""
    found: list[Piece] = []
    try:
        for number, raw in enumerate(_mails(path)):
            found.append(Piece(offset=number, raw=raw))
            if len(found) >= 100:  # noqa: PLR2004 - mails are large
                yield found
                found = []
    except _BROKEN as error:
        unread(counts, path, 0, f"cannot be read: {_reason(error)}")
    if found:
        yield found


def _mails(path: str) -> Iterator[bytes]:
    place = Path(path)
    if path != "-" and place.is_dir():
        for folder in ("cur", "new"):
            for file in sorted((place / folder).iterdir()):
                yield _whole(str(file))
        return
    if path != "-" and tarfile.is_tarfile(path):
        yield from _of_tar(path)
        return
    raw = _whole(path)
    yield from _of_mbox(raw) if raw.startswith(b"From ") else [raw]


def _of_tar(path: str) -> Iterator[bytes]:
    with tarfile.open(path) as archive:
        for member in archive:
            held = archive.extractfile(member) if member.isfile() else None
            if held:
                yield held.read(MAIL)


def _of_mbox(raw: bytes) -> Iterator[bytes]:
    """The mails of an mbox; lines that were quoted with ">" are put right (mboxrd)."""
    for part in (b"\n" + raw).split(b"\nFrom ")[1:]:
        head, _, body = part.partition(b"\n")
        del head
        yield body.replace(b"\n>From ", b"\nFrom ")


def _whole(path: str) -> bytes:
    with _opened(path) as (stream, _):
        return stream.read(MAIL)


class _opened:  # noqa: N801 - used as a verb
    """A file, uncompressed, and the file on disk that tells how far it was read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.raw: BinaryIO | None = None

    def __enter__(self) -> tuple[BinaryIO, BinaryIO | None]:
        if self.path == "-":
            return _unpacked(io.BufferedReader(sys.stdin.buffer, CHUNK)), None  # type: ignore[type-var]
        self.raw = Path(self.path).open("rb")
        return _unpacked(self.raw), self.raw

    def __exit__(self, *failure: object) -> None:
        if self.raw:
            self.raw.close()


def _unpacked(raw: BinaryIO) -> BinaryIO:
    head = raw.peek(6)[:6] if isinstance(raw, io.BufferedReader) else b""
    for magic, opener in _MAGIC.items():
        if head.startswith(magic):
            return opener(raw, "rb")  # type: ignore[operator,no-any-return]
    return raw


def unread(counts: Counts, file: str, offset: int, reason: str) -> None:
    """Count what could not be read, with its place."""
    counts.unread[reason.partition(":")[0]] += 1
    if len(counts.examples) < 20:  # noqa: PLR2004 - as the parsers keep
        counts.examples.append(Unread(file=file, offset=offset, reason=reason))


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
