"""Waiting for what somebody else does: it is looked at until it is so."""

import time
from collections.abc import Callable
from typing import TypeVar

EVERY = 0.05
"""Seconds between looks."""

_Found = TypeVar("_Found")


def until(is_so: Callable[[], _Found], what: str, patience: float = 120.0) -> _Found:
    """What is found, as soon as it is so.

    Args:
        is_so: something that counts as true.
        what: is waited for.
        patience: seconds.
    """
    deadline = time.monotonic() + patience
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(EVERY)
    return found
