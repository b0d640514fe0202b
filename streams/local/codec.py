"""Compression of request and response bodies, in pieces: lz4, zstd, gzip, deflate.

What a few bytes unpack to is given in blocks, however much it is: nobody can fill the memory with a small body.
Clients send several frames one after the other (a frame a block), so the end of a frame is not the end of a body.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from streams.core.errors import Undecodable

ENCODINGS = ("lz4", "zstd", "gzip", "deflate")
"""In the order we like to answer in: cheapest first."""

BLOCK = 1 << 20
"""Clear bytes that are given at once."""
PIECE = 1 << 12
"""Bytes of a body that are looked at once: what follows a frame is copied, as often as frames end in it."""

BROKEN = (RuntimeError, zlib.error, zstd.ZstdError)


class Decompressor(Protocol):
    """What the libraries' decompressors have in common."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The bytes that these bytes mean; where they are as many as may be, there are more."""
        ...


class _Zlib:
    """zlib or gzip, as its header says."""

    def __init__(self) -> None:
        """Begin."""
        self._inner = zlib.decompressobj(47)

    @property
    def eof(self) -> bool:
        """The frame is whole."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What follows the frame."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The bytes that these bytes, and those not yet looked at, mean."""
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": _Zlib,
    "deflate": _Zlib,
}


class Plain:
    """A body that is not compressed: its pieces are as they come."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The same bytes."""
        yield data

    def finish(self) -> None:
        """It may end anywhere."""


class Decoder:
    """The bytes of a compressed body in clear."""

    def __init__(self, make: Callable[[], Decompressor]) -> None:
        """Take the maker of a frame's decompressor."""
        self._make = make
        self._frame: Decompressor | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The clear bytes of the next piece, in blocks.

        Raises:
            Undecodable: the bytes are not in the encoding that was announced.
        """
        for at in range(0, len(data), PIECE):
            yield from self._fed(data[at : at + PIECE])

    def _fed(self, data: bytes) -> Iterator[bytes]:
        while data:
            frame = self._frame or self._make()
            clear = _step(frame, data)
            while clear:
                yield clear
                clear = _step(frame, b"") if len(clear) == BLOCK and not frame.eof else b""
            self._frame, data = (None, frame.unused_data) if frame.eof else (frame, b"")

    def finish(self) -> None:
        """Say that the body ends here.

        Raises:
            Undecodable: in the middle of a frame.
        """
        if self._frame is not None:
            raise Undecodable("The body ends in the middle of a compressed frame.")


def _step(frame: Decompressor, data: bytes) -> bytes:
    try:
        return frame.decompress(data, BLOCK)
    except BROKEN as error:
        raise Undecodable(f"The body does not decompress: {error}.") from error


class Encoder:
    """The bytes of a body, compressed; every piece can be read as soon as it arrives."""

    def __init__(self, head: bytes, write: Callable[[bytes], bytes], end: Callable[[], bytes]) -> None:
        """Take a library's way to begin, go on and end."""
        self._head = head
        self._write = write
        self._end = end

    def feed(self, data: bytes) -> bytes:
        """The next piece."""
        head, self._head = self._head, b""
        return head + self._write(data)

    def finish(self) -> bytes:
        """The end of the body."""
        head, self._head = self._head, b""
        return head + self._end()


def decoder(encoding: str) -> Decoder | Plain:
    """What reads a body by its Content-Encoding.

    Raises:
        Undecodable: an encoding that nobody here knows.
    """
    if encoding in {"", "identity"}:
        return Plain()
    if encoding not in _DECOMPRESSORS:
        raise Undecodable(f"Content-Encoding {encoding} is not one of {', '.join(ENCODINGS)}.")
    return Decoder(_DECOMPRESSORS[encoding])


def encoder(encoding: str) -> Encoder:
    """What writes a body in one of ENCODINGS, or plain for ""."""
    if encoding == "lz4":
        frames = lz4.frame.LZ4FrameCompressor(auto_flush=True)
        return Encoder(frames.begin(), frames.compress, frames.flush)
    if encoding == "zstd":
        blocks = zstd.ZstdCompressor(level=1)
        return Encoder(b"", partial(blocks.compress, mode=blocks.FLUSH_BLOCK), blocks.flush)
    if encoding:
        deflate = zlib.compressobj(1, wbits=31 if encoding == "gzip" else 15)
        return Encoder(b"", lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH), deflate.flush)
    return Encoder(b"", bytes, bytes)


def agreed(accepted: str) -> str:
    """The encoding of an answer by the request's Accept-Encoding; "" is none."""
    names = {name.split(";")[0].strip().lower() for name in accepted.split(",")}
    return next((encoding for encoding in ENCODINGS if encoding in names), "")
