"""The bytes of a piece of evidence, whatever it is packed with.

Rules:
- Plain, gzip, xz and bzip2 are told apart by their first bytes, not by their names.
- What could be unpacked before a file is found to be damaged is given; only then the damage is told.
- Blocks are bounded, however well the packing did: a small file may hold a huge text.
- Offsets are of the unpacked text.
- What unpacks to far more than any log or mail does is damaged on purpose: it is read no further.
"""

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Self

BLOCK = 1 << 18
"""Bytes of a block, about: what is made of a larger one leaves the processor's caches before it is used."""

BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error, tarfile.TarError)
"""What a file raises that is away, not ours to read, or damaged."""

ROOM, TIMES = 4 << 20, 500
"""Bytes that any file may unpack to, and how many times its own size beyond them; logs are packed 10 to 100 times."""

STDIN = "-"
"""The name of standard input."""

_STEP = 1 << 17
"""Bytes that are unpacked at once."""

_MAGIC: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
_LONGEST_MAGIC = 6


class Text:
    """The unpacked bytes of one file or of standard input; a context manager.

    Attributes:
        is_packed: it is compressed, so that going to an offset means unpacking what is before.
    """

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            OSError: it cannot be.
        """
        self._raw: IO[bytes] = sys.stdin.buffer if path == STDIN else Path(path).open("rb")  # noqa: SIM115 - closed by close
        self._is_stdin = path == STDIN
        opener = _opener(self._raw)
        self.is_packed = opener is not None
        self._text: IO[bytes] = self._raw if opener is None else _unpacked(opener(self._raw, "rb"), self._raw)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.is_packed:
            self._text.close()
        if not self._is_stdin:
            self._raw.close()

    @property
    def told(self) -> int:
        """Bytes of the file on disk that were read."""
        return 0 if self._is_stdin else self._raw.tell()

    @property
    def status(self) -> os.stat_result:
        """What the system says of the open file."""
        return os.fstat(self._raw.fileno())

    @property
    def stream(self) -> IO[bytes]:
        """The unpacked bytes as a stream."""
        return self._text

    def read(self, size: int, offset: int) -> bytes:
        """Bytes at an offset, as they are now; fewer only at the end."""
        if not self.is_packed:
            return os.pread(self._raw.fileno(), size, offset)
        self._text.seek(offset)
        return self._text.read(size)

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """All bytes from an offset on, in blocks; a pipe gives what it has.

        Raises:
            OSError, EOFError, LZMAError, zlib.error: it is damaged; what was there before has been given.
        """
        if start:
            self._text.seek(start)
        found: list[bytes] = []
        size = 0
        try:
            while block := self._text.read1(BLOCK):  # type: ignore[attr-defined]  # every one of them has it
                found.append(block)
                size += len(block)
                if size >= BLOCK or self._is_stdin:
                    yield b"".join(found)
                    found, size = [], 0
        except BROKEN:
            if found:
                yield b"".join(found)
            raise
        if found:
            yield b"".join(found)


class _Unpacked(io.RawIOBase):
    """A packed file's text, as far as it is in proportion to the file."""

    def __init__(self, text: IO[bytes], packed: IO[bytes]) -> None:
        """Watch a text that is unpacked from a file."""
        self._text, self._packed, self._at = text, packed, 0

    def readable(self) -> bool:
        """It is read."""
        return True

    def seekable(self) -> bool:
        """Going back means unpacking again."""
        return True

    def readinto(self, room: Any) -> int:
        """Unpack some more.

        Raises:
            OSError, EOFError, LZMAError, zlib.error: it is damaged, or out of proportion.
        """
        try:
            block = self._text.read(min(len(room), _STEP))
        except MemoryError as error:  # an xz file says how much it wants
            raise OSError("it takes more memory to unpack than there is") from error
        room[: len(block)] = block
        self._at += len(block)
        if self._at > ROOM and self._at > TIMES * self._packed.tell():
            raise OSError(f"it unpacks to more than {TIMES} times its size")
        return len(block)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset from the beginning, or as far as there is text."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        if offset < self._at:
            self._text.seek(0)
            self._at = 0
        while self._at < offset and self.readinto(memoryview(bytearray(min(_STEP, offset - self._at)))):
            pass
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def close(self) -> None:
        """Close what unpacks; the file is its owner's."""
        self._text.close()
        super().close()


def _unpacked(text: IO[bytes], packed: IO[bytes]) -> IO[bytes]:
    """A text that is unpacked; that of a pipe, whose size nobody knows, as it is."""
    return io.BufferedReader(_Unpacked(text, packed), _STEP) if packed.seekable() else text


def _opener(raw: IO[bytes]) -> Callable[..., IO[bytes]] | None:
    head = raw.peek(_LONGEST_MAGIC)[:_LONGEST_MAGIC] if isinstance(raw, io.BufferedReader) else b""
    return next((opener for magic, opener in _MAGIC.items() if head.startswith(magic)), None)


def reason(error: BaseException) -> str:
    """Why a file could not be read, in a few words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
