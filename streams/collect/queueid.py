"""Postfix queue ids: a long one tells when its entry arrived, in microseconds.

Source: Postfix, enable_long_queue_ids. A long id is seconds (base 52), microseconds (4 digits of base 52), "z", inode
(base 51), over an alphabet without vowels; it varies from 12 to 17 characters. A short id begins with the microseconds
in five hexadecimal digits. Ids are unique per host only, and short ones are used again.
"""

import re
from functools import lru_cache

_DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_BASE = 52
_PAIRS = {a + b: _BASE * m + n for m, a in enumerate(_DIGITS) for n, b in enumerate(_DIGITS)}
_DIGIT = "[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]"
_LONG = re.compile(f"{_DIGIT}{{10}}z[0-9A-Za-y]+")
_SHORT = re.compile(r"[0-9A-F]{6,}")
_QUEUE_ID = re.compile(f"{_LONG.pattern}|{_SHORT.pattern}")
_SECOND = 1_000_000
_LATEST = 4_102_444_800
"""2100: what decodes to a later second is no long id."""


def is_queue_id(text: str) -> bool:
    """Has a text the form of a queue id."""
    return _QUEUE_ID.fullmatch(text) is not None


def arrival(queue_id: str, line_at: int) -> int:
    """When an entry arrived, microseconds UTC.

    Args:
        queue_id: long or short.
        line_at: time of the first line about it; only its second counts for a short id.
    """
    if _LONG.fullmatch(queue_id):
        seconds = _seconds(queue_id[:6])
        micros = _PAIRS[queue_id[6:8]] * _BASE * _BASE + _PAIRS[queue_id[8:10]]
        if seconds < _LATEST and micros < _SECOND:
            return seconds * _SECOND + micros
    if line_at % _SECOND == 0 and _SHORT.fullmatch(queue_id):
        micros = int(queue_id[:5], 16)
        return line_at + micros if micros < _SECOND else line_at
    return line_at


@lru_cache(maxsize=1024)
def _seconds(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * _BASE + _DIGITS.index(digit)
    return value
