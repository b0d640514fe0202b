"""Following one source until told to stop: a service that is away, or a full disk, is waited for.

Rules:
- A writer that failed is dead: the collector starts again from its checkpoint, with a writer of its own, after a while
  that grows. Nothing is lost, since nothing was claimed.
"""

import logging
import threading
from collections.abc import Callable, Iterator

from streams.collect.run import Collector
from streams.core.errors import Unavailable

log = logging.getLogger(__name__)

LONGEST = 60.0
"""Seconds of a wait at most."""


def waits() -> Iterator[float]:
    """How long to wait before each new start, seconds."""
    wait = 1.0
    while True:
        yield wait
        wait = min(wait * 2, LONGEST)


def keep_following(make: Callable[[], Collector], stop: threading.Event) -> None:
    """Follow with one collector after the other until told to stop.

    Raises:
        Misuse: the source cannot be followed.
    """
    for wait in waits():
        try:
            make().follow(stop)
        except Unavailable as error:
            log.warning("waiting %.0f s: %s %s", wait, error, error.hint)
            stop.wait(wait)
        else:
            return
        if stop.is_set():
            return
