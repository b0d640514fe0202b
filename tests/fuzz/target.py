"""What is fuzzed: a target is a reader of foreign bytes with the contract that it must keep.

Rules:
- A target's function takes any bytes and returns; what it raises is a finding. Errors that the contract of the reader
  names (Undecodable, Misuse) are caught by the target, which also asserts what must hold of what was read.
- No input may take more than `CPU` seconds of this process, or more memory than `ROOM` and `TIMES` its own size. The
  seconds are those of a processor of today: on a slower one they are longer, by as much as plain Python is.
- A run is reproduced by its target and its seed; what is found becomes an example in test_findings.py.
"""

import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

CPU = 1.0
"""Seconds of the process that one input may take; its own time, so that a busy machine finds what an idle one does."""

TURNS, USUAL = 500_000, 0.04
"""Turns of a plain loop, and the seconds that a processor of today takes for them."""

HANG = 4
"""Times the limit at which an input is ended."""

ROOM, TIMES = 48 << 20, 40
"""Bytes that any input may take, and how many times its own size beyond them."""

NEAR = 8 << 20
"""Bytes that a peak may be off by."""

_PAGES, _REFS = Path("/proc/self/statm"), Path("/proc/self/clear_refs")


class Slow(BaseException):
    """An input took too long; no reader of ours may catch this."""


class Large(AssertionError):  # noqa: N818 - named by what happened
    """An input took too much memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader of foreign bytes.

    Attributes:
        name: one word.
        run: reads the bytes, and asserts what must hold.
        seeds: what mutation begins with.
        words: what the reader's grammar is made of.
        rounds: inputs tried in the tests; such that a target takes about two seconds.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()
    rounds: int = 500


def tried(target: Target, data: bytes, cpu: float = CPU) -> None:
    """Give an input to a target within its limits.

    Args:
        target: the reader.
        data: the input.
        cpu: seconds; more where coverage is watched.

    Raises:
        Slow: it took too long.
        Large: it took too much memory.
    """
    before, began = _room(), time.process_time()
    with _alarm(cpu * HANG):
        target.run(data)
    took, grown = time.process_time() - began, _peak() - before
    if took > cpu and took > cpu * _pace():
        raise Slow(f"{target.name}: {took:.1f} s for {len(data)} bytes")
    if grown > ROOM + TIMES * len(data):
        raise Large(f"{target.name}: {grown >> 20} MB for {len(data)} bytes")


def _pace() -> float:
    """How many times longer than usual this processor takes; never less than once."""
    began, total = time.process_time(), 0
    for number in range(TURNS):
        total += number * number % 7
    return max(1.0, (time.process_time() - began) / USUAL)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """End what takes too long, even within a regular expression."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise Slow("it went on and on")

    held = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, held)


def _room() -> int:
    """Bytes of this process now; its peak is set back to them, unless it is near anyway (it costs a millisecond)."""
    if not _PAGES.exists():
        return _peak()
    now = int(_PAGES.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    if _peak() - now > NEAR:
        with suppress(OSError):
            _REFS.write_text("5", encoding="ascii")
    return now


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
