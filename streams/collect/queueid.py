"""Postfix queue ids: a long one tells when its entry arrived, in microseconds.

Source: Postfix, enable_long_queue_ids. A long id is seconds (base 52), microseconds (4 digits of base 52), "z", inode
(base 51), over an alphabet without vowels; it varies from 12 to 17 characters. A short id begins with the microseconds
in five hexadecimal digits. Ids are unique per host only, and short ones are used again.
"""

import re

_DIGITS = {digit: value for value, digit in enumerate("0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz")}
_DIGIT = "[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]"
_LONG = re.compile(f"({_DIGIT}{{6}})({_DIGIT}{{4}})z[0-9A-Za-y]+")
_SHORT = re.compile(r"[0-9A-F]{6,}")
_SECOND = 1_000_000
_LATEST = 4_102_444_800
"""2100: what decodes to a later second is no long id."""


def is_queue_id(text: str) -> bool:
    """Has a text the form of a queue id."""
    return bool(_LONG.fullmatch(text) or _SHORT.fullmatch(text))


def arrival(queue_id: str, line_at: int) -> int:
    """When an entry arrived, microseconds UTC.

    Args:
        queue_id: long or short.
        line_at: time of the first line about it; only its second counts for a short id.
    """
    long = _LONG.fullmatch(queue_id)
    if long:
        at = _number(long[1]) * _SECOND + _number(long[2])
        if at < _LATEST * _SECOND:
            return at
    if line_at % _SECOND == 0 and _SHORT.fullmatch(queue_id):
        micros = int(queue_id[:5], 16)
        return line_at + micros if micros < _SECOND else line_at
    return line_at


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 52 + _DIGITS[digit]
    return value
