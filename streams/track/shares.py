"""A replay of a long log: its partitions are shared among processes, since a fold keeps Python's lock half of its time.

Rules:
- Partitions know nothing of each other, so each process replays its own, and what they found is put together.
- A process takes a while to start: a short log is replayed in this one.
- They end with this one, however it ends.
- All stop where the log ended when the first began to read.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace

from streams import process
from streams.core.errors import Unavailable
from streams.core.terms import Terms
from streams.kafka.broker import KafkaLog
from streams.kafka.names import EVENTS
from streams.kafka.ports import Log
from streams.settings import Settings
from streams.track.replay import Replay

WORTH = 250_000
"""Records that a process is worth: it replays as many in the second in which it starts."""


def replayed(log: Log, terms: Terms, until: int | None = None) -> Replay:
    """The replay of a ledger.

    Args:
        log: the ledger's.
        terms: that due times are fixed by.
        until: microseconds; None: to the end.

    Raises:
        Unavailable: the brokers do not answer, or a process was killed.
    """
    spans = log.spans(EVENTS)
    ends = {number: end for number, (_, end) in spans.items()}
    held = {number: end - first for number, (first, end) in spans.items() if end}
    shares = shared(held, min(os.cpu_count() or 1, sum(held.values()) // WORTH))
    whole = Replay(terms=terms, until=until)
    if len(shares) <= 1:
        whole.run(log, ends)
        return whole
    spawn, mine = multiprocessing.get_context("spawn"), (os.getpid(),)
    with _told(), ProcessPoolExecutor(len(shares), spawn, _prepare, mine) as pool:
        parts = [pool.submit(_share, whole, log.settings, {one: ends[one] for one in share}) for share in shares]
        for part in parts:
            whole.add(part.result())
    return whole


@contextmanager
def _told() -> Iterator[None]:
    """A process that the kernel ends, since memory is short, says nothing itself."""
    try:
        yield
    except BrokenProcessPool as error:
        raise Unavailable("A process of the replay was killed.", hint="is there memory enough?") from error


def _prepare(parent: int) -> None:
    process.prepare()
    if tie := process.tied_to(parent):
        tie()


def _share(replay: Replay, settings: Settings, ends: dict[int, int]) -> Replay:
    """A replay of some partitions, without their state: nobody asks for it."""
    replay.run(KafkaLog(settings), ends)
    return replace(replay, parts={})


def shared(held: dict[int, int], count: int) -> list[list[int]]:
    """Partitions in so many shares at most, about as large as each other.

    Args:
        held: how many records each has.
        count: of shares.
    """
    shares: list[list[int]] = [[] for _ in range(max(1, min(count, len(held))))]
    for number in sorted(held, key=lambda number: -held[number]):
        min(shares, key=lambda share: (sum(held[one] for one in share), len(share))).append(number)
    return [share for share in shares if share]
