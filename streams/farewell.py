"""How a worker ends: in order where it can, and surely.

Rules:
- A worker that is told to end ends in order, as long as the services that it works with answer: without them it ends as
  it is, which loses no more than a kill does. Told again, it goes on ending: a service manager tells each process, and
  so does its parent.
- One that ends by itself may take so long and no longer: Faust may wait for ever for a group that has forgotten it, and
  a client for its broker while Python ends.
"""

import atexit
import logging
import os
import signal
import threading
import time
from collections.abc import Callable

import faust

from streams.core.errors import CustodyError
from streams.wall import Wall

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds that Faust may take to end in order: in a worker that ends by itself, and in one that is told to."""

ANSWER = 2
"""Seconds within which a service answers a worker that is told to end."""

MISSES = 2
"""How often in a row one does not, until the worker ends without it."""

LOOK = 1.0
"""Seconds between two questions."""

Ask = Callable[[int], bool]
"""Does a service answer within so many seconds."""

ending = threading.Event()
"""This process has had its farewell."""

_looping = threading.Event()
"""This process's hot loop runs."""

_failed = threading.Event()
"""What its hot loop did at the end failed."""


class _Told(Exception):  # noqa: N818 - no error
    """A hot loop that waited for a service was told to end."""


class Worker(faust.Worker):
    """A worker that ends when it is told to, whoever is away.

    Attributes:
        asks: the services that it works with.
    """

    asks: tuple[Ask, ...] = ()
    _had_crashed = False  # before it was told to end: how Faust parts with brokers that are away is no failure of ours

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        if not self._signal_stop_time:
            self._had_crashed = self.crash_reason is not None
            atexit.register(self._end)  # comes when all threads have ended, before clients wait for their brokers
            threading.Thread(target=self._part, daemon=True).start()
        super()._schedule_shutdown(number)

    def _shutdown_loop(self) -> None:
        try:
            super()._shutdown_loop()
        finally:
            if self._signal_stop_time:  # the loop has taken its handlers with it, and a thread may still be keeping
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)

    def _part(self) -> None:
        """Let Faust have its farewell, and a hot loop what it needs, as long as all answer."""
        try:
            began, misses = time.monotonic(), 0
            while misses < MISSES and (_looping.is_set() or time.monotonic() < began + PATIENCE):
                misses = 0 if all(ask(ANSWER) for ask in self.asks) else misses + 1
                time.sleep(LOOK)
            log.warning("ending as it is: %s", "a service does not answer" if misses else "Faust does not end")
        finally:
            self._end()

    def _end(self) -> None:
        os._exit(1 if self._had_crashed or _failed.is_set() else 0)


def loop(make: Callable[[Wall], Callable[[Callable[[], bool]], None]], stop: threading.Event) -> None:
    """Run what is made until stopped; it waits for no service any longer than until it is told to stop.

    Args:
        make: given a wall on which to wait, what runs until a function says that it is stopped.
        stop: is set when it is.
    """

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise _Told

    _looping.set()
    try:
        make(Wall(sleep=sleep))(stop.is_set)
    except _Told:
        log.info("told to end while a service was away: what was not stored is read again by the next")
    except BaseException as error:
        if stop.is_set():  # Faust waits for us no more, and hears nothing of it
            _say_failure(error)
        raise
    finally:
        _looping.clear()


def _say_failure(error: BaseException) -> None:
    if isinstance(error, CustodyError):
        log.warning("at its end: %s What was not stored is read again by the next.", error)
    else:
        _failed.set()
        log.error("at its end", exc_info=error)


def end() -> None:
    """End this worker in order; an agent that waited for its own app to stop would wait for ever."""
    end_surely()
    signal.raise_signal(signal.SIGTERM)


def end_surely() -> None:
    """End this worker after its farewell, whatever it waits for then.

    The kernel ends us (SIGALRM, which nobody handles): no thread of ours runs any more when Python ends. Whoever
    started us starts another.
    """
    if not ending.is_set():
        ending.set()
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
