"""Following an mbox as mails are put behind its end.

Rules:
- Who delivers writes a mail in steps: what was written counts once nothing came for `SETTLED`.
- What was read is known by its content, as a log is: the first bytes and those before the offset. A mailbox that
  somebody wrote anew is read from its beginning, to the same events.
- One that was renamed is read to its end before the new one is.
- What was read counts only if the file is as before after it was read: a mailbox may be emptied at any moment.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from streams.collect.checkpoint import HEAD, Place, Trail, mark
from streams.collect.follow import Look
from streams.collect.mails import CHUNK, FROM, MAIL, kept, of_mbox
from streams.collect.packed import reason
from streams.collect.parser import Counts, Piece
from streams.collect.reading import unread

SETTLED = 1.0
"""Seconds in which nothing may come behind a mail that is whole."""

NO_MBOX = "does not begin as an mbox does"


class Mailbox:
    """Looks at one mbox again and again."""

    known = ()

    def __init__(self, path: Path, counts: Counts, place: Place | None = None) -> None:
        """Begin where a checkpoint says."""
        self._path, self._counts, self._wanted = path, counts, place
        self._file: IO[bytes] | None = None
        self._offset, self._size, self._since = 0, -1, 0.0
        self._mails: Iterator[tuple[int, bytes, int]] | None = None
        self._place: Place | None = None
        self._said = ""

    @property
    def is_open(self) -> bool:
        """Is there a file that may have more, whatever it is called by now."""
        return self._file is not None

    @property
    def place(self) -> Place | None:
        """How far it was read, for the checkpoint."""
        return self._wanted if self._file is None else self._place

    def look(self) -> Look:
        """Mails that were not read before."""
        try:
            return self._look()
        except OSError as error:
            self._say(f"cannot be read: {reason(error)}")
        except ValueError as error:
            self._say(str(error))
        self.close()
        return Look(idle=True, away=True)

    def close(self) -> None:
        """Close the file; what was read of it is looked for again."""
        self._wanted = self.place
        if self._file is not None:
            self._file.close()
        self._file = self._mails = None

    def _look(self) -> Look:
        file = self._file or self._open()
        if file is None:
            return Look(idle=True, away=True)
        if self._mails is None:
            waits = self._waits(file)
            if waits is not None:
                return waits
            self._mails = self._begin(file)
        return self._read(file, self._mails)

    def _open(self) -> IO[bytes] | None:
        """The file, at the place where it was left; None where there is none."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None
        self._file, self._size = file, -1
        wanted, self._wanted = self._wanted, None
        self._at(file, wanted.offset if wanted is not None and _fits(file, wanted) else 0)
        return file

    def _waits(self, file: IO[bytes]) -> Look | None:
        """What there is to say where nothing can be read yet; None where something can."""
        size, is_left = os.fstat(file.fileno()).st_size, self._is_left(file)
        if size < self._offset or (self._place is not None and not _fits(file, self._place)):
            self._at(file, 0)
        if size == self._offset and is_left:
            self.close()
            self._wanted = None
            return Look()
        if size == self._offset:
            is_there = self._path.exists()
            return Look(idle=True, all_read=is_there, away=not is_there)
        now = time.monotonic()
        if size != self._size:
            self._size, self._since = size, now
        return None if is_left or now - self._since >= SETTLED else Look(idle=True)

    def _begin(self, file: IO[bytes]) -> Iterator[tuple[int, bytes, int]]:
        """The mails from the offset to the end as it is now; of the whole file, where a mail goes on that was taken.

        Raises:
            ValueError: it is no mbox.
        """
        file.seek(0, os.SEEK_END)  # forget what was read ahead
        file.seek(self._offset)
        while (line := file.readline(MAIL)) in {b"\n", b"\r\n"}:
            self._offset += len(line)
        if not line:
            return iter(())
        if not line.startswith(FROM):
            self._offset = 0
            file.seek(0)
            if file.read(len(FROM)) != FROM:
                raise ValueError(NO_MBOX)
        file.seek(self._offset)
        return of_mbox(file, self._offset, self._size)

    def _read(self, file: IO[bytes], mails: Iterator[tuple[int, bytes, int]]) -> Look:
        """Some mails of those that are there."""
        pieces: list[Piece] = []
        size, after = 0, self._offset
        for place, raw, end in mails:
            pieces += kept(place, raw, self._counts, str(self._path))
            size, after = size + len(raw), end
            if len(pieces) >= CHUNK or size >= MAIL:
                break
        if os.fstat(file.fileno()).st_size < self._size or (self._place and not _fits(file, self._place)):
            self._at(file, 0)  # emptied, or written anew meanwhile
            return Look()
        self._at(file, after)
        if after < self._size:
            self._mails = mails
        return Look(pieces=pieces, file=str(self._path))

    def _at(self, file: IO[bytes], offset: int) -> None:
        """It was read up to here."""
        self._offset, self._mails = offset, None
        head, tail = os.pread(file.fileno(), min(HEAD, offset), 0), _before(file, offset, HEAD)
        self._place = Trail(head, tail, offset).place

    def _is_left(self, file: IO[bytes]) -> bool:
        """Does its name mean another file by now."""
        try:
            other = self._path.stat()
        except FileNotFoundError:
            return False  # between a renaming and a new one; or it is not there any more
        mine = os.fstat(file.fileno())
        return (other.st_dev, other.st_ino) != (mine.st_dev, mine.st_ino)

    def _say(self, why: str) -> None:
        """Count what cannot be read, once for each reason."""
        if self._said != why:
            self._said = why
            unread(self._counts, str(self._path), self._offset, why)


def _before(file: IO[bytes], offset: int, size: int) -> bytes:
    start = max(0, offset - size)
    return os.pread(file.fileno(), offset - start, start)


def _fits(file: IO[bytes], place: Place) -> bool:
    """Does a file begin as it did, and stands the same before the offset."""
    head, tail = os.pread(file.fileno(), place.head.size, 0), _before(file, place.offset, place.tail.size)
    return mark(head) == place.head and mark(tail) == place.tail
