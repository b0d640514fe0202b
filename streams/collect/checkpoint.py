"""Where a collector was: stored with the work it describes, never ahead of it.

Rules:
- A checkpoint is written only after everything before it is acknowledged, and replaces the one before in one step.
- A log is known by its first bytes, unpacked, so that one that was renamed or packed is found again; what comes before
  the offset is looked at as well, so that one that was replaced is not taken for it.
- A mail in a folder is known by its name without flags, its size and its time: it does not change (see seen.py).
- One collector a source: the checkpoint is locked while it runs.
- It holds recipients and Message-IDs: it, and a folder that is made for it, are for their owner only.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from streams import files
from streams.collect.packed import BROKEN, Text
from streams.core.errors import Misuse, Unavailable

HEAD = 1024
"""Bytes at the beginning of a text, and before the offset, that are looked at."""

VERSION = 2

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What damaged bytes raise."""


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


_Memory = TypeVar("_Memory", bound=_Versioned)


class Mark(msgspec.Struct, frozen=True):
    """How bytes are known: their number and hash."""

    size: int
    hash: bytes

    def fits(self, head: bytes) -> bool:
        """Do bytes begin with these."""
        return len(head) >= self.size and mark(head[: self.size]) == self


class Place(msgspec.Struct, frozen=True):
    """How far one log was read.

    Attributes:
        head: of its first bytes, as far as they were read.
        tail: of the bytes before the offset.
        offset: what comes next.
        log: its declared name, whatever it is called by now; empty: not known.
    """

    head: Mark
    tail: Mark
    offset: int
    log: str = ""

    def fits(self, path: Path) -> bool:
        """Is a file the one that was read: it begins the same, and the same stands before the offset."""
        try:
            with Text(str(path)) as text:
                return trail_of(text, self) is not None
        except BROKEN:
            return False


class Trail:
    """What a text that is being read will be known by.

    Attributes:
        offset: what comes next.
    """

    def __init__(self, head: bytes = b"", tail: bytes = b"", offset: int = 0) -> None:
        """Begin with what is known of the text before the offset."""
        self.head, self.tail, self.offset = head, tail, offset

    def go_on(self, consumed: bytes, size: int | None = None, start: bytes = b"") -> None:
        """Go on over some bytes.

        Args:
            consumed: the bytes, or the last of them.
            size: how many they are, where `consumed` is only the last of them.
            start: then, the first of them.
        """
        if len(self.head) < HEAD:
            self.head = (self.head + (consumed if size is None else start))[:HEAD]
        self.tail = ((self.tail if size is None else b"") + consumed[-HEAD:])[-HEAD:]
        self.offset += len(consumed) if size is None else size

    @property
    def place(self) -> Place | None:
        """How far it was read; None at its beginning."""
        return Place(head=mark(self.head), tail=mark(self.tail), offset=self.offset) if self.offset else None


def found(path: str, places: Sequence[Place]) -> tuple[int, Trail] | None:
    """Which of some places is of this file, and its trail; the farthest where several are."""
    try:
        with Text(path) as text:
            head = text.read(HEAD, 0)
            fitting = [index for index, place in enumerate(places) if place.head.fits(head)]
            for index in sorted(fitting, key=lambda index: -places[index].offset):
                trail = trail_of(text, places[index])
                if trail is not None:
                    return index, trail
    except BROKEN:
        pass  # reading it will tell
    return None


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a collector was.

    Attributes:
        version: of this format.
        places: how far each log was read, oldest first; a followed log has one.
        known: generations of a followed log that are older than the one that is read; None: not followed yet.
        mails: 8-byte hashes of the mails that were read, end to end.
        through: latest time seen, microseconds.
        claimed: everything up to here is in the log, microseconds; 0: nothing is claimed yet.
        state: the parser's memory.
        meaning: of the declaration under which it read last; empty: not known.
        is_unclaimed: events were read since an import of it claimed its end.
    """

    version: int = VERSION
    places: tuple[Place, ...] = ()
    known: tuple[Mark, ...] | None = None
    mails: bytes = b""
    through: int = 0
    claimed: int = 0
    state: bytes = b""
    meaning: bytes = b""
    is_unclaimed: bool = False

    @property
    def has_read(self) -> bool:
        """Was something read before."""
        return bool(self.places or self.mails)


def mark(raw: bytes) -> Mark:
    """How some bytes are known."""
    return Mark(size=len(raw), hash=blake2b(raw, digest_size=16).digest())


def trail_of(text: Text, place: Place) -> Trail | None:
    """The trail of a text that was read up to a place; None where it is another text.

    Raises:
        OSError, EOFError, LZMAError, zlib.error: it is damaged.
    """
    head = text.read(place.head.size, 0)
    if mark(head) != place.head:
        return None
    tail = text.read(place.tail.size, place.offset - place.tail.size)
    return Trail(head, tail, place.offset) if mark(tail) == place.tail else None


def load(path: Path) -> Checkpoint | None:
    """The stored checkpoint, or None where there is none.

    Raises:
        Misuse: it cannot be understood.
    """
    again = "remove it to read all again: the same events have the same ids"
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=Checkpoint)
    except FileNotFoundError:
        return None
    except (*UNREADABLE, OSError) as error:
        raise Misuse(f"The checkpoint {path} cannot be read: {error}", hint=again) from error
    if found.version != VERSION:
        raise Misuse(f"The checkpoint {path} is of version {found.version}, not {VERSION}.", hint=again)
    return found


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Store a checkpoint: on disk before it replaces the one before.

    Raises:
        Unavailable: the disk does not take it; the one before is as it was.
    """
    try:
        files.make_folder(path.parent)
        files.store(path, msgspec.msgpack.encode(checkpoint))
    except OSError as error:
        raise Unavailable(f"The checkpoint {path} cannot be stored: {error.strerror}.") from error


def memory_of(raw: bytes, kind: type[_Memory], version: int, name: str) -> _Memory:
    """A parser's memory, as a checkpoint has it.

    Args:
        raw: its state.
        kind: of memory.
        version: of that kind.
        name: of the source.

    Raises:
        Misuse: it is of another version, or of another kind.
    """
    try:
        memory = msgspec.msgpack.decode(raw, type=kind)
    except UNREADABLE as error:
        raise Misuse(f"The checkpoint of {name} is not of this version: {error}") from error
    if memory.version != version:
        raise Misuse(f"The checkpoint of {name} is of version {memory.version}.")
    return memory


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a checkpoint while a collector works with it; the kernel lets go when the process dies.

    Raises:
        Misuse: another collector holds it.
        Unavailable: the folder cannot be written.
    """
    handle = _opened(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        hint = "one collector a source"
        raise Misuse(f"Source {path.stem} is being collected by another process.", hint=hint) from error
    try:
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    try:
        files.make_folder(path.parent)
        return os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"The folder {path.parent} cannot be written: {error.strerror}.") from error
