"""A partition with open units, and what memory its process takes: `python -m tests.bench.memory UNITS...`.

It imports nothing that a tracker does not have, but for the making of events.
"""

import gc
import sys
from collections.abc import Sequence

import psutil

from streams.process import give_back, prepare
from streams.track.part import Part
from tests.bench.events import TERMS, batches, opened

AT = 1000.0
"""Second at which all open units were submitted: those that are late are due at 1010, the others at 1060."""

CHUNK = 4_000
LATE = 100


def build(part: Part, first: int, end: int) -> None:
    """Open units with numbers from `first` up to `end`."""
    for start in range(first, end, CHUNK):
        numbers = range(start, min(end, start + CHUNK))
        some = [one for number in numbers for one in opened(number, AT, is_late=number % LATE == 0)]
        for records in batches(some):
            part.take(records)


def _main(sizes: Sequence[int]) -> None:
    prepare()
    give_back()
    part, before = Part.empty(0, TERMS), 0
    build(part, 0, 1)
    _tell()
    part = Part.empty(0, TERMS)
    for number in sizes:
        build(part, before, number)
        before = number
        gc.collect()
        _tell()


def _tell() -> None:
    sys.stdout.write(f"{psutil.Process().memory_info().rss / 1e6}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main([int(one) for one in sys.argv[1:]])
