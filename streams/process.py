"""What a worker, or a replay, asks of the machine for its process, since processes share the work.

Rules:
- One thread for columns: batches are small, and more threads would wait for each other, and for the other workers.
- No huge pages for columns: the end of each of a hundred columns would lie in one of two megabytes, for no speed.
- Blocks of a megabyte and more are given back to the system when they are free: columns grow by being copied, and what
  they leave would lie between others for ever. Smaller ones stay at hand, as each batch needs them again; a
  tracker gives them back from a quarter of that on (track/allocator.py).
"""

import ctypes
import os

MODEST = {"POLARS_MAX_THREADS": "1", "NUMPY_MADVISE_HUGEPAGE": "0"}
"""Read by polars and numpy when they are first imported."""

_MEGABYTE = 1 << 20
_MALLOPT = {-3: _MEGABYTE, -1: 32 * _MEGABYTE, -2: 8 * _MEGABYTE}
"""Of glibc's mallopt: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD."""


def prepare() -> None:
    """Ask for it; before polars and numpy are imported."""
    os.environ |= MODEST
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # another libc has its own ways
        for option, value in _MALLOPT.items():
            mallopt(option, value)
