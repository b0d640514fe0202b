"""Which workers look healthy and do nothing: seen from outside, by what their groups commit.

Rules:
- A group stands still if records wait for it and it commits nothing for `PATIENCE` seconds. Who works for it is ended,
  and goes on from what was committed, as after any death.
- Where the brokers do not answer, nobody is blamed, and everybody's time begins anew.
"""

import logging
import time
from collections.abc import Callable, Iterable

from confluent_kafka import KafkaException

from streams.kafka.lag import Lag, lags
from streams.settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds; a large state is put back in less."""

_TIMEOUT = 10.0

_ROLES = {"tracker": "track"}
"""The role whose group is called otherwise."""


class Watchdog:
    """Remembers what groups committed, and since when."""

    def __init__(
        self,
        ask: Callable[[], Iterable[Lag]],
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask` tells the lag of every group of a ledger."""
        self._ask, self._patience, self._now = ask, patience, now
        self._seen: dict[str, tuple[int, float]] = {}

    @classmethod
    def of(cls, settings: Settings, patience: float = PATIENCE) -> "Watchdog":
        """Watch the workers of a ledger."""
        return cls(lambda: lags(settings, _TIMEOUT), patience)

    def stalled(self) -> set[str]:
        """The roles that do nothing though there is something to do; each is told once in `PATIENCE`."""
        try:
            found = list(self._ask())
        except (KafkaException, TimeoutError) as error:
            log.info("the brokers do not say how far the workers are: %s", error)
            self._seen.clear()
            return set()
        return {role for lag in found if (role := self._judge(lag))}

    def _judge(self, lag: Lag) -> str:
        committed, since = self._seen.get(lag.group, (-1, 0.0))
        if not lag.records or lag.committed != committed:
            self._seen[lag.group] = lag.committed, self._now()
            return ""
        if self._now() - since < self._patience:
            return ""
        self._seen[lag.group] = committed, self._now()
        name = lag.group.split("-")[1]
        log.warning("%s: %d records wait, and nothing was committed for %.0f s", lag.group, lag.records, self._patience)
        return _ROLES.get(name, name)
