"""Memory that is given back: the state's columns are large, and grow by being copied.

The C library keeps freed blocks of up to 32 MB for itself once it has seen that large ones are freed. Told not to learn
that, it maps each column by itself, and what a column grew out of goes back at once: a sixth of a large tracker.
"""

import ctypes

_M_MMAP_THRESHOLD = -3
_BYTES = 256 * 1024


def give_back() -> None:
    """Let large blocks be mapped by themselves, where the C library can be told so (glibc)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _BYTES)
