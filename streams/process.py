"""What a worker, or a replay, asks of the machine for its process, since processes share the work.

Rules:
- One thread for columns: batches are small, and more threads would wait for each other, and for the other workers.
- No huge pages for columns: the end of each of a hundred columns would lie in one of two megabytes, for no speed.
- Blocks of a megabyte and more are given back to the system when they are free: columns grow by being copied, and what
  they leave would lie between others for ever. Smaller ones stay at hand, as each batch needs them again; a
  tracker gives them back from a quarter of that on: its state is large, and this is a sixth of it.
"""

import ctypes
import os
from collections.abc import Mapping

MODEST = {"POLARS_MAX_THREADS": "1", "NUMPY_MADVISE_HUGEPAGE": "0"}
"""Read by polars and numpy when they are first imported."""

_MEGABYTE = 1 << 20
_MAPPED = -3
"""M_MMAP_THRESHOLD of glibc's mallopt; said once, it is not learned from what is freed any more."""

_MALLOPT = {_MAPPED: _MEGABYTE, -1: 32 * _MEGABYTE, -2: 8 * _MEGABYTE}
"""The same, M_TRIM_THRESHOLD and M_TOP_PAD."""


def prepare() -> None:
    """Ask for it; before polars and numpy are imported."""
    os.environ |= MODEST
    _ask(_MALLOPT)


def give_back() -> None:
    """Let smaller blocks be mapped by themselves, too: for who has large state."""
    _ask({_MAPPED: _MEGABYTE // 4})


def _ask(options: Mapping[int, int]) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # another libc has its own ways
        for option, value in options.items():
            mallopt(option, value)
