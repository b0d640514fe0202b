"""Postfix queue ids: a long one tells when its entry arrived, in microseconds.

Source: Postfix, enable_long_queue_ids. A long id is seconds (base 52), microseconds (4 digits of base 52), "z", inode
(base 51), over an alphabet without vowels; it varies from 12 to 17 characters. A short id begins with the microseconds
in five hexadecimal digits. Ids are unique per host only, and short ones are used again.
"""

import re
from typing import Final

_DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_BASE = 52
_PAIRS: Final = {a + b: _BASE * m + n for m, a in enumerate(_DIGITS) for n, b in enumerate(_DIGITS)}
_HIGH: Final = {pair: _BASE * _BASE * value for pair, value in _PAIRS.items()}
_DIGIT = "[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]"
_LONG = re.compile(f"{_DIGIT}{{10}}z[0-9A-Za-y]{{1,20}}")
_SHORT: Final = re.compile(r"[0-9A-F]{6,24}")
_QUEUE_ID: Final = re.compile(f"{_LONG.pattern}|{_SHORT.pattern}").fullmatch
_SECOND: Final = 1_000_000
_NO_DIGIT = -(10**9)
_KEPT = 1024
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
"""1990 and 2100: what decodes to another second is no long id."""


def is_queue_id(text: str) -> bool:
    """Has a text the form of a queue id."""
    return _QUEUE_ID(text) is not None


def arrival(queue_id: str, line_at: int) -> int:
    """When an entry arrived, microseconds UTC.

    Args:
        queue_id: long or short.
        line_at: time of the first line about it; only its second counts for a short id.
    """
    if queue_id[10:11] == "z":
        micros = _HIGH.get(queue_id[6:8], _SECOND) + _PAIRS.get(queue_id[8:10], _SECOND)
        at = _seconds[queue_id[:6]]
        if at >= 0 and micros < _SECOND:
            return at + micros
    if line_at % _SECOND == 0 and _SHORT.fullmatch(queue_id):
        micros = int(queue_id[:5], 16)
        return line_at + micros if micros < _SECOND else line_at
    return line_at


class _Seconds(dict[str, int]):
    """The beginning of an id, as the microseconds of its second; negative where it is none."""

    def __missing__(self, digits: str) -> int:
        if len(self) >= _KEPT:
            self.clear()
        value = 0
        for at in range(0, len(digits), 2):
            value = value * _BASE * _BASE + _PAIRS.get(digits[at : at + 2], _NO_DIGIT)
        self[digits] = found = value * _SECOND if _EARLIEST <= value < _LATEST else -1
        return found


_seconds: Final = _Seconds()
