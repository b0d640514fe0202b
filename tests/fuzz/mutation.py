"""Inputs made of seeds: cut, spliced, repeated, and stretched as somebody would who wishes us ill."""

import random
from collections.abc import Callable, Sequence

SHORT, LONG, LONGEST = 4_000, 100_000, 1 << 20
"""Bytes to which a place is stretched: now and then, seldom, and hardly ever."""

NUMBERS = (b"0", b"-1", b"2147483648", b"9223372036854775808", b"18446744073709551616", b"9" * 5000, b"1e999", b"0x7f")
MARKS = (
    b"<", b">", b"(", b")", b"[", b"]", b"{", b"}", b"=", b":", b": ", b", ", b";", b'"', b"'", b"\\", b"/", b"-", b"*",
    b"%", b" ", b"\t", b"\n", b"\r\n", b"\0", b"\x1b[2J", b"\xc2\x9b31m", b"\xe2\x80\xae", b"\xff", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xc2\xa0", b"\xe2\x80\xa8", b"a", b"A", b"1", b"/**/", b"?", b"@", b".",
)  # fmt: skip
"""What grammars stumble over: brackets, quotes, signs of terminals, bytes that are no UTF-8, odd spaces."""

Change = Callable[["Mutator", bytes], bytes]


class Mutator:
    """Makes inputs for one target."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], seed: int | str) -> None:
        """The same seed gives the same inputs."""
        self.random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.seeds = [*seeds, b""]
        self.words = (*words, *MARKS, *NUMBERS)

    def next(self) -> bytes:
        """One more input."""
        return self.changed(self.random.choice(self.seeds))

    def changed(self, data: bytes) -> bytes:
        """An input, changed here and there."""
        for _ in range(self.random.choice((0, 1, 1, 2, 3, 5, 8))):
            data = self.random.choice(_CHANGES)(self, data)
        return data[:LONGEST]

    def word(self) -> bytes:
        """A word of the grammar, or a mark."""
        return self.random.choice(self.words)

    def span(self, data: bytes, longest: int = 200) -> tuple[int, int]:
        """A place in the data and one behind it."""
        start = self.random.randrange(len(data) + 1)
        return start, min(len(data), start + self.random.randrange(1, longest))


def _flipped(by: Mutator, data: bytes) -> bytes:
    if not data:
        return by.word()
    at = by.random.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << by.random.randrange(8),)) + data[at + 1 :]


def _garbled(by: Mutator, data: bytes) -> bytes:
    start, end = by.span(data, 12)
    return data[:start] + by.random.randbytes(end - start) + data[end:]


def _inserted(by: Mutator, data: bytes) -> bytes:
    start, _ = by.span(data)
    return data[:start] + by.word() + data[start:]


def _replaced(by: Mutator, data: bytes) -> bytes:
    start, end = by.span(data, 20)
    return data[:start] + by.word() + data[end:]


def _removed(by: Mutator, data: bytes) -> bytes:
    start, end = by.span(data)
    return data[:start] + data[end:]


def _cut(by: Mutator, data: bytes) -> bytes:
    return data[: by.random.randrange(len(data) + 1)]


def _doubled(by: Mutator, data: bytes) -> bytes:
    start, end = by.span(data, 2_000)
    return data[:end] + data[start:end] * by.random.choice((1, 2, 20)) + data[end:]


def _spliced(by: Mutator, data: bytes) -> bytes:
    other = by.random.choice(by.seeds)
    return data[: by.span(data)[0]] + other[by.span(other)[0] :]


def _shuffled(by: Mutator, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = by.random.randrange(len(lines)), by.random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _stretched(by: Mutator, data: bytes) -> bytes:
    """One thing, again and again, at one place; with what could end it behind, or without."""
    size = by.random.choice((SHORT,) * 12 + (LONG,) * 3 + (LONGEST,))
    start, _ = by.span(data)
    word = by.word() + (by.word() if by.random.random() < 0.5 else b"")
    return data[:start] + word * (size // max(1, len(word))) + by.word() + data[start:]


_CHANGES: tuple[Change, ...] = (
    _flipped, _garbled, _inserted, _inserted, _replaced, _replaced, _removed, _cut, _doubled, _spliced, _shuffled,
    _stretched,
)  # fmt: skip
