"""Compressed bodies, whatever the pieces they come in."""

import gzip
import zlib

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as some

from streams.core.errors import Undecodable
from streams.local import codec

NAMES = some.sampled_from(["", *codec.ENCODINGS])


@given(name=NAMES, pieces=some.lists(some.binary(max_size=3000), max_size=5), cut=some.integers(1, 700))
def test_what_is_encoded_is_decoded(name: str, pieces: list[bytes], cut: int) -> None:
    """A body that was encoded in pieces is decoded from pieces cut anywhere else."""
    encoder, decoder = codec.encoder(name), codec.decoder(name)
    body = b"".join(map(encoder.feed, pieces)) + encoder.finish()
    clear = b"".join(clear for at in range(0, len(body), cut) for clear in decoder.feed(body[at : at + cut]))
    decoder.finish()
    assert clear == b"".join(pieces)


@pytest.mark.parametrize(("name", "compress"), [("lz4", lz4.frame.compress), ("gzip", gzip.compress)])
def test_frames_follow_each_other(name: str, compress: "type[bytes]") -> None:
    """A body of several frames is one body: clients send a frame a block."""
    decoder = codec.decoder(name)
    assert b"".join(decoder.feed(compress(b"one ") + compress(b"two"))) == b"one two"
    decoder.finish()


class _Frame:
    """A frame of nine bytes in which nothing is."""

    eof = True
    seen = 0

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Nothing, and the frame ends."""
        del max_length
        _Frame.seen += len(data)
        self.unused_data = data[9:]
        return b""


def test_a_body_of_many_frames_is_not_copied_for_each() -> None:
    """What follows a frame is little, so that a megabyte of empty ones takes no minute."""
    _Frame.seen = 0
    assert list(codec.Decoder(_Frame).feed(b"123456789" * (1 << 14))) == []
    assert _Frame.seen < (1 << 14) * codec.PIECE
    decoder, empty = codec.decoder("zstd"), codec.encoder("zstd").finish()
    assert b"".join(decoder.feed(empty * 1000 + codec.encoder("zstd").feed(b"row"))) == b"row"


def test_a_torn_body_is_refused() -> None:
    """A body that ends in the middle of a frame is refused: half the rows must not be stored."""
    decoder = codec.decoder("deflate")
    list(decoder.feed(zlib.compress(b"rows" * 100)[:-4]))
    with pytest.raises(Undecodable, match="middle"):
        decoder.finish()


@pytest.mark.parametrize("name", codec.ENCODINGS)
def test_noise_is_refused(name: str) -> None:
    """Bytes that are not in the announced encoding are refused."""
    with pytest.raises(Undecodable, match="does not decompress"):
        list(codec.decoder(name).feed(b"this is plain text, and long enough to tell"))


def test_an_unknown_encoding_is_refused() -> None:
    """An encoding that nobody here knows is refused by name."""
    with pytest.raises(Undecodable, match="br"):
        codec.decoder("br")


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("", ""), ("gzip, deflate", "gzip"), ("br, zstd;q=1, LZ4", "lz4"), ("identity", "")]
)
def test_the_cheapest_encoding_is_agreed_on(accepted: str, encoding: str) -> None:
    """Of what a client accepts, the cheapest encoding is taken."""
    assert codec.agreed(accepted) == encoding
