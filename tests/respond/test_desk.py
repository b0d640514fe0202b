"""The desk: what it keeps of alerts outlives it, and is small."""

from typing import Any

import pytest

from streams.kafka.progress import plain
from streams.respond.desk import Desk
from streams.settings import Settings
from streams.wire import records
from tests.kafka.memory import MemoryLog
from tests.respond.test_cases import alert

WHOLE = {"unit": bytes(16), "partition": 0, "clock": 0, "terms": "", "host": "", "queue_id": "", "recipient": ""}


@pytest.fixture
def log() -> MemoryLog:
    """An empty ledger."""
    return MemoryLog(Settings(ledger="test", partitions=1))


def hear(desk: Desk, *alerts: dict[str, Any]) -> None:
    """Alerts come to the desk, as records."""
    for number, one in enumerate(alerts):
        desk.hear(records.encode("alert", WHOLE | one), (0, number))


def said(log: MemoryLog) -> list[tuple[str, int, int]]:
    """State, members and standing of each case, as told last."""
    last = {
        one["case_id"]: (one["state"], one["members"], one["standing"])
        for batch in log.read_range("cases")
        for one in (plain(records.decode("case", value)) for value in batch.values)
    }
    return sorted(last.values())


def test_another_desk_goes_on_where_one_ended(log: MemoryLog) -> None:
    """It has the table, and nothing else: who cleared what was raised before, and who has seen it."""
    table: dict[bytes, bytes] = {}
    hear(Desk(log, table), alert(1), alert(2), alert(3, cause="deleted by hand on relay"))
    assert said(log) == [("open", 1, 1), ("open", 2, 2)]
    hear(Desk(log, table), alert(1, "cleared", 30, cause="left dest"), alert(3, "cleared", 30, cause="left dest"))
    assert said(log) == [("closed", 1, 0), ("open", 2, 1)]
    hear(Desk(log, table), alert(2, "cleared", 40))
    assert said(log) == [("closed", 1, 0), ("closed", 2, 0)]


def test_an_alert_of_a_great_case_costs_no_more_than_of_a_small_one(log: MemoryLog) -> None:
    """What is written to the table for it is of a size, however many members the case has."""

    class Written(dict[bytes, bytes]):
        """A table that counts."""

        size = 0

        def __setitem__(self, key: bytes, value: bytes) -> None:
            self.size += len(key) + len(value)
            super().__setitem__(key, value)

    table = Written()
    desk = Desk(log, table)
    many = [alert(1, alert_id=n.to_bytes(16, "big"), at=n) for n in range(600)]
    hear(desk, *many[:100])
    first = table.size
    hear(desk, *many[100:])
    assert table.size < 6.1 * first


def test_a_table_that_was_taken_over_is_read_again(log: MemoryLog) -> None:
    """Another worker had it meanwhile."""
    table: dict[bytes, bytes] = {}
    desk = Desk(log, table)
    hear(desk, alert(1))
    hear(Desk(log, table), alert(2))
    desk.forget()
    hear(desk, alert(3))
    assert said(log) == [("open", 3, 3)]
