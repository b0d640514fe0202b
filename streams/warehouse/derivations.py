"""When the warehouse derives, and by which terms: beside the feed, which goes on meanwhile."""

import logging
from concurrent.futures import Executor, Future

from streams.core.errors import Unavailable
from streams.core.terms import Terms
from streams.kafka.ports import Log
from streams.kafka.terms import terms_of
from streams.wall import Wall
from streams.warehouse.store import Store

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between derivations at least; a long one makes the next wait as long as it took."""

BUSY = 30.0
"""Seconds between derivations while there is more to feed; a long one makes the next wait five times as long."""

TERMS_EVERY = 10.0
"""Seconds between looks at the terms that the ledger declares."""

RETRY = 5.0
"""Seconds after which a derivation that failed is tried again."""


class Derivations:
    """One derivation at a time, in an executor."""

    def __init__(self, records: Log, store: Store, wall: Wall, executor: Executor) -> None:
        """The first is due at once."""
        self._log, self._store, self._wall, self._executor = records, store, wall, executor
        self._terms: Terms | None = None
        self._looked = self._idle_next = self._busy_next = 0.0
        self._under: Future[None] | None = None

    def is_time(self, *, idle: bool) -> bool:
        """Is a derivation due, and none under way; a defect in the last one is raised here."""
        if self._under is not None:
            if not self._under.done():
                return False
            self._under.result()
            self._under = None
        return self._wall.monotonic() >= (self._idle_next if idle else self._busy_next)

    def start(self) -> None:
        """Derive what changed; a warehouse that is away or refuses is asked again later."""
        self._under = self._executor.submit(self._run)

    def _run(self) -> None:
        started = self._wall.monotonic()
        try:
            touched = self._store.derive(self._terms_now())
        except Unavailable as error:
            log.warning("not derived, to be tried again: %s", error)
            self._idle_next = self._busy_next = self._wall.monotonic() + RETRY
            return
        now = self._wall.monotonic()
        if touched:
            log.info("derived %d messages in %.1f s", touched, now - started)
        self._idle_next = now + max(EVERY, now - started)
        self._busy_next = now + max(BUSY, 5 * (now - started))

    def _terms_now(self) -> Terms:
        """The terms that the ledger declares last, kept in the warehouse too."""
        if self._terms is None or self._wall.monotonic() >= self._looked + TERMS_EVERY:
            self._looked = self._wall.monotonic()
            text, terms = terms_of(self._log)
            if self._terms is None or terms.version != self._terms.version:
                row = [terms.version, terms.profile.name, text]
                self._store.insert_rows("terms", ("version", "profile", "text"), [row])
            self._terms = terms
        return self._terms
