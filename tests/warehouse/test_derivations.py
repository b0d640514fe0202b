"""Derivations run beside the feed, one at a time, rarely while there is much to feed."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from streams.core.errors import Unavailable
from streams.core.terms import Terms
from streams.settings import load
from streams.wall import Wall
from streams.warehouse.derivations import Derivations
from streams.warehouse.fed import Fed
from tests.kafka.memory import MemoryLog
from tests.warehouse.executors import ByHand


class Store:
    """A warehouse that takes ten seconds to derive, or refuses."""

    def __init__(self) -> None:
        """Nothing is derived yet."""
        self.now, self.derived = 100.0, 0
        self.rows: list[tuple[str, list[Any]]] = []
        self.error: Exception | None = None

    def derive(self, terms: Terms) -> int:
        """Derive."""
        del terms
        if self.error:
            raise self.error
        self.now += 10
        self.derived += 1
        return self.derived

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Keep rows."""
        del columns
        self.rows += [(table, list(row)) for row in rows]

    def insert(self, table: str, rows: pa.Table) -> None:
        """Nothing is fed here."""

    def prepare(self) -> None:
        """Nothing is missing."""

    def fed(self, topic: str) -> dict[int, Fed]:
        """It has no event."""
        del topic
        return {}

    def clock_before(self, partition: int, offset: int) -> int | None:
        """There is no tick."""
        del partition, offset
        return None


class Desk:
    """Derivations over a store, in a time of its own."""

    def __init__(self) -> None:
        """The first is due."""
        self.store, self.executor = Store(), ByHand()
        wall = Wall(monotonic=lambda: self.store.now)
        self.derivations = Derivations(MemoryLog(load()), self.store, wall, self.executor)

    def due(self, *, idle: bool) -> bool:
        """Is one due now."""
        return self.derivations.is_time(idle=idle)

    def derive(self) -> None:
        """One, to its end."""
        self.derivations.start()
        self.executor.run()


def test_one_derivation_at_a_time() -> None:
    """The next is due when the last has ended, and as long again after it when there is nothing to feed."""
    desk = Desk()
    assert desk.due(idle=True)
    desk.derivations.start()
    desk.store.now += 1000
    assert not desk.due(idle=True)
    desk.executor.run()
    assert not desk.due(idle=True)
    desk.store.now += 10
    assert desk.due(idle=True)
    assert not desk.due(idle=False)


def test_a_busy_feed_is_derived_rarely() -> None:
    """At most a sixth of the time."""
    desk = Desk()
    desk.derive()
    desk.store.now += 49
    assert not desk.due(idle=False)
    desk.store.now += 1
    assert desk.due(idle=False)


def test_a_warehouse_that_refuses_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    """Soon, and it is said."""
    desk = Desk()
    desk.store.error = Unavailable("The warehouse refuses: no space left")
    desk.derive()
    assert "no space left" in caplog.text
    desk.store.error = None
    assert not desk.due(idle=False)
    desk.store.now += 5
    assert desk.due(idle=False)
    desk.derive()
    assert desk.store.derived == 1


def test_a_defect_is_not_swallowed() -> None:
    """What is no refusal comes out where the feed looks."""
    desk = Desk()
    desk.store.error = OSError("a defect")
    desk.derive()
    with pytest.raises(OSError, match="a defect"):
        desk.due(idle=True)


def test_the_terms_are_kept_once() -> None:
    """By version, with their text."""
    desk = Desk()
    desk.derive()
    desk.store.now += 100
    desk.derive()
    assert [table for table, _ in desk.store.rows] == ["terms"]
