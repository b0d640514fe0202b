"""What was turned away at the door, as `custody trace` tells it of an address."""

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.cli import _door, trace

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def rejection(**other: Any) -> dict[str, Any]:
    """A row of the view `rejections`."""
    told = {"occurred_at": NOON, "host": "mx", "stage": "RCPT", "code": 550, "status": "5.1.1"}
    return told | {"originator": "ann@x.test", "recipient": "bob@y.test", "diagnostic": "no such user", **other}


def test_nothing_was_turned_away() -> None:
    """Nothing is said."""
    assert _door.lines([], 50) == []


@pytest.mark.parametrize(
    ("many", "says"),
    [(1, "once:"), (2, "2 times:"), (9, "9 times, the latest 5:"), (50, "50 times or more, the latest 5:")],
)
def test_how_often(many: int, says: str) -> None:
    """The latest are shown; where there may be more than were asked for, that is said."""
    title, *rows = _door.lines([rejection()] * many, 50)
    assert title == f"Turned away at the door, by a host that never took it: {says}"
    assert len(rows) == 2 * min(many, 5)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (rejection(), ["550 5.1.1  from ann@x.test", "no such user"]),
        (rejection(originator=""), ["550 5.1.1  from <>", "no such user"]),
        (rejection(code=None, status="5.7.1", diagnostic="spam\x1b[2J"), ["5.7.1  from ann@x.test", "spam [2J"]),
        (rejection(code=None, status="", stage="CONNECT", originator=None), ["CONNECT  from <>", "no such user"]),
    ],
)
def test_a_row(row: dict[str, Any], says: list[str]) -> None:
    """When, where, the reply, from whom and in what words, without what would act on a terminal."""
    assert _door.lines([row], 50)[1:] == [f"  11-23 12:00:00Z  mx  {says[0]}", f"      {says[1]}"]


@pytest.mark.parametrize(
    ("named", "found", "asked"),
    [
        ("bob@y.test", [], True),
        ("<bob@y.test>", [{"message_key": "m@x.test"}], True),
        ("m@x.test", [{"message_key": "m@x.test"}], False),
        ("<m@x.test>", [{"message_key": "m@x.test"}], False),
        ("4jYMZL52lmz1TCJ3", [], False),
    ],
)
def test_it_is_asked_of_addresses(named: str, found: list[dict[str, Any]], *, asked: bool) -> None:
    """A Message-ID that is known, or a queue id, is nobody's."""
    assert trace.is_of_somebody(named, found) == asked
