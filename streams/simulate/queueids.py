"""Names that mail systems give: long queue ids of Postfix, LMTP sessions of Dovecot.

Source: Postfix, enable_long_queue_ids; see streams/collect/queueid.py, which reads them.
"""

import random
from base64 import b64encode

_DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_SECOND = 1_000_000
_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)
_BASE = len(_PAIRS)
_SECONDS = 3
"""Pairs of digits of the seconds; microseconds take two."""


def long_id(at: int, chance: random.Random) -> str:
    """A long queue id of an arrival, microseconds by the host's clock."""
    seconds, micros = divmod(at, _SECOND)
    inode = _inode(chance.getrandbits(24))
    return f"{_number(seconds, _SECONDS)}{_number(micros, 2)}z{inode}"


def session_id(chance: random.Random) -> str:
    """An LMTP session id."""
    return b64encode(chance.getrandbits(128).to_bytes(16, "little"), b"+/").decode().rstrip("=")


def _number(value: int, pairs: int) -> str:
    text = ""
    for _ in range(pairs):
        value, digit = divmod(value, _BASE)
        text = _PAIRS[digit] + text
    return text


def _inode(value: int) -> str:
    """Base 51: the digits without the last."""
    text = ""
    while value:
        value, digit = divmod(value, len(_DIGITS) - 1)
        text = _DIGITS[digit] + text
    return text or "0"
