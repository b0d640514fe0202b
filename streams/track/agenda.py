"""Which messages a look at the alarms must look at: what is found of all others is what was found before.

Rules:
- A message is looked at again if something was said of it since, if it shares something with another, or if its time
  has come: each look tells the next clock at which, nothing more being said, something more is found of it.
- All are looked at when what is said of no message alone has changed: which sources were silent or doubted, and which
  hosts say what arrives there; and in the first look after a recovery.
- So what a look costs follows what happened, not what is open.
"""

import numpy as np

from streams.core.clock import Clock
from streams.core.custody import Custody
from streams.core.excerpt import Excerpt, linked
from streams.core.facts import Mask, Times
from streams.core.found import Found
from streams.core.index import Rows, grown
from streams.core.lattice import NEVER

MOST = 2
"""All are looked at if more than one in so many would be."""


class Agenda:
    """What the next look is about."""

    __slots__ = ("_common", "_heard", "_wake")

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._heard: Mask = np.zeros(0, np.bool_)
        self._wake: Times = np.empty(0, np.int64)
        self._common: object = None

    def hear(self, messages: Rows) -> None:
        """Something was said of messages."""
        top = int(messages.max()) + 1 if len(messages) else 0
        self._reserve(top)
        self._heard[messages] = True

    def excerpt(self, custody: Custody, clock: Clock) -> Excerpt:
        """The messages that must be looked at."""
        common, before = _common(custody, clock), self._common
        self._common = common
        count = len(custody.messages)
        self._reserve(count)
        some = self._heard[:count] | (self._wake[:count] <= clock.through) | linked(custody)
        if common != before or int(some.sum()) * MOST > count:
            return Excerpt.whole(custody)
        return Excerpt.of(custody, some)

    def settle(self, messages: Rows, wake: Times) -> None:
        """Messages were looked at; the clock at which each must be again."""
        self._heard[messages] = False
        self._wake[messages] = wake

    def keep(self, messages: Rows) -> None:
        """Only some messages stayed, under new numbers; after a recovery none may have been looked at yet."""
        self._reserve(int(messages.max(initial=-1)) + 1)
        self._heard, self._wake = self._heard[messages], self._wake[messages]

    def _reserve(self, count: int) -> None:
        before = len(self._heard)
        if count > before:
            self._heard, self._wake = grown(self._heard, count), grown(self._wake, count)
            self._heard[before:], self._wake[before:] = False, NEVER


def wakes(custody: Custody, prospect: Found, through: int, wake: Times) -> None:
    """Let messages wake at the next clock at which more is found of a prospect.

    Args:
        custody: whose rows the prospect has.
        prospect: what would be found.
        through: of the clock.
        wake: microseconds, by message; changed here.
    """
    following = np.where(prospect.decided > through, prospect.decided, prospect.cleared)
    later = following > through
    np.minimum.at(wake, custody.about(prospect.subject)["message"][prospect.rows[later]], following[later])


def _common(custody: Custody, clock: Clock) -> object:
    """What findings of any message may depend on."""
    return clock.silences(), clock.doubts(), custody.hosts["spoke_known"].tobytes()
