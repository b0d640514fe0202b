"""Where a collector was: stored with the work it describes, never ahead of it.

Rules:
- A checkpoint is written only after everything before it is acknowledged, and replaces the one before in one step.
- A file is known by its first bytes, so that one that was renamed is found again and one that was replaced is not taken
  for it.
"""

import os
from hashlib import blake2b
from pathlib import Path

import msgspec

from streams.core.errors import Misuse

HEAD = 1024
"""Bytes at the beginning of a file that name it."""


class Mark(msgspec.Struct, frozen=True):
    """How a file is known: the hash of its first `size` bytes."""

    size: int
    hash: bytes

    def fits(self, path: Path) -> bool:
        """Does a file begin with these bytes."""
        return mark(path, self.size) == self


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a collector was.

    Attributes:
        version: of this format.
        done: files read to their end, by the hash of their beginning.
        file: the one being read.
        mark: how it is known.
        offset: what comes next: byte of its text, or number of a mail.
        through: latest time seen, microseconds.
        state: the parser's memory.
    """

    version: int = 1
    done: tuple[Mark, ...] = ()
    file: str = ""
    mark: Mark | None = None
    offset: int = 0
    through: int = 0
    state: bytes = b""


def mark(path: Path, size: int = HEAD) -> Mark | None:
    """How a file is known; None where it cannot be read or is shorter than `size` was."""
    try:
        with path.open("rb") as file:
            head = file.read(min(size, HEAD))
    except OSError:
        return None
    return Mark(size=len(head), hash=blake2b(head, digest_size=16).digest())


def load(path: Path) -> Checkpoint | None:
    """The stored checkpoint, or None where there is none.

    Raises:
        Misuse: it cannot be understood.
    """
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=Checkpoint)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise Misuse(f"The checkpoint {path} cannot be read: {error}", hint="remove it to read all again") from error
    if found.version != Checkpoint().version:
        raise Misuse(f"The checkpoint {path} is of version {found.version}.", hint="remove it to read all again")
    return found


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Store a checkpoint: on disk before it replaces the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(msgspec.msgpack.encode(checkpoint))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
