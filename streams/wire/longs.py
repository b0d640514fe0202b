"""Avro's integers (Avro 1.11, binary encoding): zig-zag, then seven bits a byte, least first.

Every event has a dozen of them (lengths, times, offsets), so fourteen bits at a time are looked up.
"""

from streams.core.errors import Undecodable

_BITS = 14
_GROUP = (1 << _BITS) - 1
_ONE, _TWO, _THREE, _FOUR = (1 << _BITS * groups for groups in (1, 2, 3, 4))


def _unsigned(rest: int) -> bytes:
    out = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_MORE = [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(_ONE)]
_LAST = [_unsigned(n) for n in range(_ONE)]


def zigzag(number: int) -> bytes:
    """A number as Avro writes it.

    Raises:
        Undecodable: more than 64 bits.
    """
    rest = number << 1 ^ number >> 63
    if rest < _ONE:
        return _LAST[rest]
    if rest < _TWO:
        return _MORE[rest & _GROUP] + _LAST[rest >> 14]
    if rest < _THREE:
        return _MORE[rest & _GROUP] + _MORE[rest >> 14 & _GROUP] + _LAST[rest >> 28]
    if rest < _FOUR:
        return _MORE[rest & _GROUP] + _MORE[rest >> 14 & _GROUP] + _MORE[rest >> 28 & _GROUP] + _LAST[rest >> 42]
    if not -(1 << 63) <= number < 1 << 63:
        raise Undecodable(f"a number of {number.bit_length()} bits")
    return _unsigned(rest)
