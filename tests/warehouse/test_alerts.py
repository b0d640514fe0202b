"""What the view of alerts makes of their records."""

from datetime import UTC, datetime

import msgspec
import pytest

from streams.settings import Settings
from streams.warehouse.client import ask, connect
from streams.warehouse.questions import Warehouse
from streams.warehouse.store import ClickHouse

pytestmark = pytest.mark.service

COLUMNS = ("alert_id", "rule", "unit", "state", "at", "withdrawn", "log_offset")


def test_what_was_taken_back_and_is_raised_again_stands(stack: Settings, ledger: str) -> None:
    """What came last in the topic tells; a raising that is told again after any other clearing changes nothing."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    store = ClickHouse(settings)

    def told(number: int, state: str, offset: int, *, withdrawn: bool = False) -> None:
        at = datetime.fromtimestamp(10 if state == "raised" else 20, UTC)
        store.insert_rows(
            "alert_records", COLUMNS, [[bytes([number]) * 16, "stuck", bytes(16), state, at, withdrawn, offset]]
        )

    for number in (1, 2, 3):
        told(number, "raised", number)
        told(number, "cleared", 10 + number, withdrawn=number != 3)
    told(1, "raised", 20)
    told(3, "raised", 21)
    rows = ask(
        connect(settings), "SELECT alert_id, cleared_at IS NULL AS stands, withdrawn FROM alerts ORDER BY alert_id"
    )
    assert [(row["alert_id"][0], bool(row["stands"]), row["withdrawn"]) for row in rows] == [
        (1, True, False), (2, False, True), (3, False, False),
    ]  # fmt: skip
    assert Warehouse.of(settings).counts("stuck") == {"standing": 1, "cleared": 1, "withdrawn": 1}
