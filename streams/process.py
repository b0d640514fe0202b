"""What a worker, or a replay, asks of the machine for its process, since processes share the work.

Rules:
- One thread for columns: batches are small, and more threads would wait for each other, and for the other workers.
- No huge pages for columns: the end of each of a hundred columns would lie in one of two megabytes, for no speed.
- Whoever works for another process ends with it, however that ends.
- Blocks of a megabyte and more are given back to the system when they are free: columns grow by being copied, and what
  they leave would lie between others for ever. Smaller ones stay at hand, as each batch needs them again; a
  tracker gives them back from a quarter of that on: its state is large, and this is a sixth of it.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping

MODEST = {"POLARS_MAX_THREADS": "1", "NUMPY_MADVISE_HUGEPAGE": "0"}
"""Read by polars and numpy when they are first imported."""

PR_SET_PDEATHSIG = 1

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


def tied_to(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes a part (`preexec_fn`): ask the kernel to end it when its parent dies."""
    if sys.platform != "linux":
        return None  # the next `up` finds a held port there and says so
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return tie
