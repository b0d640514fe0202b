"""Reading mails: a Maildir, a folder, an mbox or a tar of mails into pieces; a piece is one whole mail.

Rules:
- The place of a mail is its offset in an mbox, its number in a tar, 0 in a file of its own.
- In an mbox a mail begins with "From " after an empty line or at the start; lines quoted with ">" are put right.
- A mail that is longer than `MAIL` is cut and counted. One that cannot be read costs nothing else.
- A Maildir's `tmp` holds what is not yet delivered; names that begin with a dot and indexes of servers are no mails.
"""

import os
import struct
import sys
import tarfile
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO

from streams.collect.packed import BROKEN, STDIN, Text, reason
from streams.collect.parser import Counts, Piece
from streams.collect.reading import Told, incomplete, nobody, unread

MAIL = 8 << 20
"""Bytes of a mail that are kept; the parser looks at fewer."""

KNOWN = 8
"""Bytes that a file of mails is known by."""

CHUNK = 200
"""Mails of a chunk at most."""

_TAR = (257, b"ustar")
FROM = b"From "
"""How a mail of an mbox begins."""

_EMPTY = frozenset({b"\n", b"\r\n"})
_EXTENDED = 4096
"""Bytes of a tar's extended header: of names, of which no system has longer ones."""

_NO_TAR = (ValueError, IndexError, KeyError, OverflowError, TypeError, struct.error, RecursionError)
"""What tarfile raises for headers that lie, beside its own errors."""

_NO_MAIL = ("dovecot", "courier", "maildirfolder", "subscriptions", "maildirsize")

_EXTENDING = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)

Raw = tuple[int, bytes]
"""Place and bytes of a mail."""


class _Member(tarfile.TarInfo):
    """A file in a tar; an extended header that is longer than names are is not read: that could take for ever."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _EXTENDING and self.size > _EXTENDED:
            raise tarfile.ReadError(f"an extended header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]  # where types are told apart


def _denied(error: OSError) -> None:
    """What may not be looked into is passed over."""
    if not isinstance(error, PermissionError):
        raise error


def files(path: str, failed: Callable[[OSError], None] = _denied) -> list[str]:
    """The files that a declared path of mails means, in the order of their names.

    Args:
        path: as it is declared.
        failed: told of each folder that could not be listed.
    """
    place = Path(path)
    if path == STDIN or not place.is_dir():
        return [path]
    found = (Path(folder, name) for folder, _, names in os.walk(place, onerror=failed) for name in names)
    return [str(file) for file in sorted(found) if file.is_file() and _may_be_mail(file)]


def _may_be_mail(file: Path) -> bool:
    if file.parent.name == "tmp" and (file.parent.parent / "cur").is_dir():
        return False
    return not file.name.startswith((".", *_NO_MAIL))


def known_by(path: str) -> bytes:
    """How the mails of a file are known, 8 bytes: its name without flags, size and time; b"" for standard input."""
    try:
        status = Path(path).stat()
    except OSError:
        return b""
    name = Path(path).name.partition(":2,")[0]
    return blake2b(f"{name}/{status.st_size}/{status.st_mtime_ns}".encode(errors="replace"), digest_size=KNOWN).digest()


def mails(path: str, counts: Counts, told: Told = nobody) -> Iterator[list[Piece]]:
    """Chunks of the mails of one file."""
    found: list[Piece] = []
    size = place = 0
    try:
        with Text(path) as text:
            for place, raw in _mails(text):
                found += kept(place, raw, counts, path)
                size += len(raw)
                if len(found) >= CHUNK or size >= MAIL:
                    yield found
                    found, size = [], 0
                    told(text.told)
            told(text.told)
    except BROKEN as error:
        incomplete(counts, path, place, f"cannot be read: {reason(error)}")
    if found:
        yield found


def kept(place: int, raw: bytes, counts: Counts, path: str) -> list[Piece]:
    """A mail as a piece; an empty one is none, and what is too long of it is cut off."""
    if not raw:
        unread(counts, path, place, "an empty file or mail")
        return []
    if len(raw) > MAIL:
        unread(counts, path, place, f"a mail that is too long: only its first {MAIL} bytes count")
    return [Piece(offset=place, raw=raw[:MAIL])]


def _mails(text: Text) -> Iterator[Raw]:
    head = text.stream.peek(512)  # type: ignore[attr-defined]  # every one of them has it
    offset, magic = _TAR
    if head[offset : offset + len(magic)] == magic:
        yield from _of_tar(text.stream)
    elif head.startswith(FROM):
        yield from ((start, raw) for start, raw, _ in of_mbox(text.stream))
    else:
        yield 0, text.stream.read(MAIL + 1)


def _of_tar(stream: IO[bytes]) -> Iterator[Raw]:
    number = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
            for member in archive:
                held = archive.extractfile(member) if member.isfile() else None
                if held and _may_be_mail(Path(member.name)):
                    yield number, held.read(MAIL + 1)
                    number += 1
    except _NO_TAR as error:
        raise tarfile.ReadError(f"not a tar: {error}") from error


def of_mbox(stream: IO[bytes], begin: int = 0, end: int = sys.maxsize) -> Iterator[tuple[int, bytes, int]]:
    """The mails of an mbox: where each begins, its bytes, and where what follows begins.

    Args:
        stream: stands where a mail begins.
        begin: that place.
        end: of what is read.
    """
    offset = start = begin
    mail = bytearray()
    last = b"\n"
    while line := stream.readline(min(MAIL, end - offset)):
        if last in _EMPTY and line.startswith(FROM):
            if offset > begin:
                yield start, _without_end(mail, last), offset
            start, mail = offset, bytearray()
        elif len(mail) <= MAIL:
            mail += _unquoted(line)
        last = line
        offset += len(line)
    yield start, _without_end(mail, last), offset


def _without_end(mail: bytearray, last: bytes) -> bytes:
    """The lines of a mail, without the empty one before the next "From "."""
    return bytes(mail[: -len(last)] if last in _EMPTY and mail.endswith(last) else mail)


def _unquoted(line: bytes) -> bytes:
    return line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(FROM) else line
