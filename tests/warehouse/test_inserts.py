"""Inserts run beside the reading; what waits is bounded, and is told when it is stored."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from streams.warehouse import inserts
from streams.warehouse.inserts import Inserts
from streams.warehouse.rows import Rows
from tests.warehouse.executors import ByHand


class Desk:
    """Inserts with a record of what was stored and told."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self.executor = ByHand()
        self.stored: list[list[int]] = []
        self.told: list[dict[int, int]] = []
        self.refuses = False
        self.inserts = Inserts(self.executor, self._insert, self.told.append)

    def put(self, *sizes: int, end: int, partition: int = 0, more: bool = False) -> None:
        """Some rows that reach an offset."""
        self.inserts.put([some(size) for size in sizes], {partition: end}, more=more)

    def _insert(self, read: Sequence[Rows]) -> None:
        if self.refuses:
            raise OSError("no space left")
        self.stored.append([len(one.events) for one in read])


def some(count: int) -> Rows:
    """Rows of so many events."""
    return Rows(events=pa.table({"seq": list(range(count))}), ticks=pa.table({}), clock=0, bad=[])


def test_what_is_read_while_an_insert_is_under_way_goes_with_the_next() -> None:
    """Together, and told after it is stored."""
    desk = Desk()
    desk.put(1, end=1)
    desk.put(2, end=3)
    desk.put(3, end=9, partition=1)
    assert not desk.stored
    assert not desk.told
    desk.executor.run()
    desk.put(4, end=7)
    assert desk.told == [{0: 1}]
    desk.inserts.settle()
    assert desk.stored == [[1], [2, 3, 4]]
    assert desk.told == [{0: 1}, {0: 7, 1: 9}]


def test_settled_means_nothing_waits() -> None:
    """What is under way and what waits for it are stored and told; a second time there is nothing to do."""
    desk = Desk()
    desk.put(1, end=1)
    desk.put(2, end=2)
    desk.inserts.settle()
    desk.inserts.settle()
    assert desk.told == [{0: 1}, {0: 2}]


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large insert begins beside the one under way; whoever reads faster than the engine inserts waits with it."""
    monkeypatch.setattr(inserts, "LARGE", 5)
    desk = Desk()
    desk.put(1, end=1)
    desk.put(4, end=2)
    assert len(desk.executor.waiting) == 1
    desk.put(1, end=3)
    assert len(desk.executor.waiting) == 2
    assert desk.stored == []
    desk.put(5, end=8)
    assert desk.stored == [[1], [4, 1]]
    assert desk.told == [{0: 1}, {0: 3}]
    desk.inserts.settle()
    assert desk.stored == [[1], [4, 1], [5]]
    assert desk.told == [{0: 1}, {0: 3}, {0: 8}]


def test_what_is_stored_first_is_told_after_what_was_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """An offset says that everything before it is stored."""
    monkeypatch.setattr(inserts, "LARGE", 5)
    desk = Desk()
    desk.put(5, end=5)
    desk.put(5, end=10)
    first = desk.executor.waiting.pop(0)
    desk.executor.run()
    desk.put(1, end=11)
    assert desk.stored == [[5]]
    assert desk.told == []
    first()
    desk.inserts.settle()
    assert desk.told == [{0: 5}, {0: 10}, {0: 11}]


def test_inserts_are_large_while_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows wait for others then; they do not wait where nothing comes."""
    monkeypatch.setattr(inserts, "LARGE", 5)
    desk = Desk()
    desk.put(2, end=2, more=True)
    desk.put(2, end=4, more=True)
    assert not desk.executor.waiting
    desk.put(2, end=6, more=True)
    desk.executor.run()
    desk.put(3, end=9, more=True)
    assert desk.stored == [[2, 2, 2]]
    assert desk.told == [{0: 6}]
    desk.inserts.settle()
    assert desk.stored == [[2, 2, 2], [3]]
    assert desk.told == [{0: 6}, {0: 9}]


def test_what_is_not_stored_is_not_told() -> None:
    """The error of an insert comes to whoever waits for it."""
    desk = Desk()
    desk.refuses = True
    desk.put(1, end=1)
    with pytest.raises(OSError, match="no space left"):
        desk.inserts.settle()
    assert desk.told == []
