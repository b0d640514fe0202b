"""What a followed source is looked at with: a log, a folder of mails, or standard input."""

import os
import select
import time
from pathlib import Path
from typing import Protocol

from streams.collect import mails
from streams.collect.checkpoint import Checkpoint, Mark, Place
from streams.collect.declaration import Source
from streams.collect.follow import Follower, Look
from streams.collect.kinds import kind_of
from streams.collect.mailbox import Mailbox
from streams.collect.packed import STDIN
from streams.collect.parser import Counts
from streams.collect.reading import Lines, unread
from streams.collect.seen import Seen
from streams.core.errors import Misuse

PIPE = 1 << 16
"""Bytes that a pipe holds."""

SHARE = 10
"""How much longer than a listing takes it is rested from listing."""

_UNSEEN = (PermissionError, FileNotFoundError)
"""Why a folder in a folder has no mails for us: it is another's, or was removed."""


class Looker(Protocol):
    """Looks at evidence again and again.

    Attributes:
        place: how far a log was read.
        known: its older generations.
    """

    @property
    def place(self) -> Place | None:
        """How far a log was read."""
        ...

    @property
    def known(self) -> tuple[Mark, ...]:
        """Its older generations."""
        ...

    def look(self) -> Look:
        """What was not read before."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class Folder:
    """Looks at a folder of mails; where it is large, more seldom, for each look costs a listing."""

    place = None
    known = ()

    def __init__(self, folder: Path, counts: Counts, read: Seen) -> None:
        """Begin; what was read is not read again."""
        self._folder, self._counts, self._read = folder, counts, read
        self._last = b""
        self._listed: list[str] = []
        self._missing: set[bytes] | None = None  # what was read and did not come up in this listing, if it is whole
        self._rest_until, self._is_away = 0.0, False

    def look(self) -> Look:
        """The mails of one new file."""
        self._read.add(self._last)  # whoever asks again has taken it
        self._last = b""
        if not self._folder.is_dir():
            return Look(idle=True, away=True)
        return self._next() or self._again()

    def _next(self) -> Look | None:
        """The mails of the next file of the listing that was not read."""
        while self._listed:
            path = self._listed.pop()
            known = mails.known_by(path)
            self._came_up(known)
            if known and known not in self._read:
                self._last = known
                return Look(pieces=[p for chunk in mails.mails(path, self._counts) for p in chunk], file=path)
        self._forget()
        return None

    def _came_up(self, known: bytes) -> None:
        """One that vanished meanwhile may have been moved, by who opened it: then the listing is not whole."""
        if not known:
            self._missing = None
        elif self._missing is not None:
            self._missing.discard(known)

    def _forget(self) -> None:
        """At the end of a whole listing, forget what is gone."""
        if self._missing is not None:
            self._read.forget(self._missing)
            self._missing = None

    def _again(self) -> Look:
        began = time.monotonic()
        if began < self._rest_until:
            return Look(idle=True, away=self._is_away)
        failures: list[OSError] = []
        self._listed = mails.files(str(self._folder), failures.append)[::-1]
        self._missing = self._read.all() if self._listed and not failures else None
        found = self._next()
        now = time.monotonic()
        self._rest_until = now + SHARE * (now - began)
        self._is_away = not all(isinstance(one, _UNSEEN) for one in failures)
        return found or Look(idle=True, away=self._is_away, all_read=not self._is_away)

    def close(self) -> None:
        """Nothing is open."""


class Mails:
    """Looks at a folder of mails, or an mbox: whatever comes to be there."""

    known = ()

    def __init__(self, path: Path, counts: Counts, read: Seen, place: Place | None) -> None:
        """Begin; what was read is not read again."""
        self._path, self._counts = path, counts
        self._folder, self._mailbox = Folder(path, counts, read), Mailbox(path, counts, place)

    @property
    def place(self) -> Place | None:
        """How far an mbox was read."""
        return self._mailbox.place

    def look(self) -> Look:
        """Mails that were not read before."""
        is_mailbox = self._mailbox.is_open or self._path.is_file()
        return (self._mailbox if is_mailbox else self._folder).look()

    def close(self) -> None:
        """Close what is open."""
        self._mailbox.close()


class Stream:
    """Looks at a pipe, without waiting for it."""

    place = None
    known = ()

    def __init__(self, handle: int, counts: Counts) -> None:
        """Begin with what comes."""
        self._handle, self._counts, self._lines = handle, counts, Lines(counts, STDIN)

    def look(self) -> Look:
        """The lines that have come."""
        if not select.select([self._handle], [], [], 0)[0]:
            return Look(idle=True, all_read=not self._lines.unfinished)
        block = os.read(self._handle, PIPE)
        if not block and self._lines.unfinished:
            unread(self._counts, STDIN, self._lines.trail.offset, "the last line has no end: the pipe was cut off")
        return Look(pieces=self._lines.feed(block), file=STDIN, ended=not block)

    def close(self) -> None:
        """Whoever opened it closes it."""


def looker(source: Source, counts: Counts, at: Checkpoint, read: Seen) -> Looker:
    """What a source is looked at with, from its checkpoint on.

    Args:
        source: with one path.
        counts: told what cannot be read.
        at: where it was.
        read: mails that were read; it is kept up.

    Raises:
        Misuse: it cannot be followed.
    """
    if len(source.paths) != 1:
        raise Misuse(f"Source {source.name} has {len(source.paths)} paths: one is followed.", hint="one source a log")
    path = Path(source.paths[0])
    if kind_of(source).mails:
        _refuse_mails(source.paths[0])
        return Mails(path, counts, read, at.places[-1] if at.places else None)
    if source.paths[0] == STDIN:
        return Stream(0, counts)
    if path.is_dir():
        raise Misuse(f"{path} is a folder: a log is followed by its name.", hint="name the file")
    return Follower(path, counts, at.places[-1] if at.places else None, at.known)


def _refuse_mails(path: str) -> None:
    """Refuse what no mails will be put into.

    Raises:
        Misuse: none will.
    """
    if path == STDIN:
        said = "Standard input is none"
    elif Path(path).is_file() and not _may_be_mbox(Path(path)):
        said = f"{path} is none"
    else:
        return
    hint = "without --follow it is read to its end"
    raise Misuse(f"{said}: of mails, a Maildir, a folder or an mbox is followed.", hint=hint)


def _may_be_mbox(path: Path) -> bool:
    """Does a file begin as an mbox does, or with nothing; one that cannot be read may yet."""
    try:
        with path.open("rb") as file:
            return file.read(len(mails.FROM)) in {b"", mails.FROM}
    except OSError:
        return True
