"""What reached nobody, by SQL as by the stream: notifications of failure, and what was put in again."""

from itertools import pairwise
from typing import Any

import pytest

from streams.core import identity
from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from tests.core.journeys import TERMS, event, reported, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

A = ("origin", "A1")

pytestmark = pytest.mark.service


def refused(at: float, key: str) -> MessageEvent:
    """The origin gave up."""
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1", "recipient": "bob@dest.test"}
    return event(Kind.REFUSED, at, key=key, status="5.1.1", **where)


def of_notice(at: float, key: str, action: str = "issued", number: str = "N1") -> MessageEvent:
    """A switch says of a notification that it was issued, or undelivered."""
    failed: dict[str, Any] = {"attributes": ("notification=failed",), "ordinal": int(number[1:])}
    return event(
        Kind.REPORTED, at, key=key, host="origin", queue_id="A1", action=action, next_queue_id=number, **failed
    )


def by_and_by(both: Ledger, said: list[MessageEvent], ends: tuple[int, ...], *, is_late: bool) -> None:
    """What is said up to each second is read, before that second's tick or after it; both agree each time."""
    for since, until in pairwise((0, *ends)):
        if is_late:
            both.tick(until)
        both.write(one for one in said if since * SECOND < one.occurred_at <= until * SECOND)
        both.tick(until + 1)
        both.derive()
        assert_agree(both)


def again(at: float, **fields: Any) -> MessageEvent:
    """The origin puts an entry in again, or another goes on with it, or (of a filter) for one of its recipients."""
    to, key = fields.get("recipient", ""), fields["key"]
    onward: dict[str, Any] = {"next_queue_id": "A7", "next_leg": identity.leg_of("origin", "A7", to, key=key)}
    return event(Kind.REROUTED, at, host="origin", queue_id="A1", **(onward if "recipient" in fields else {}), **fields)


STRANDED: dict[str, tuple[int, list[tuple[float, str]]]] = {
    "never": (1, []),
    "in time": (1, [(15, "")]),
    "late": (1, [(60, "")]),
    "short": (2, [(15, "")]),
    "both": (2, []),
    "first one": (2, [(40, ""), (60, "eve@dest.test")]),
    "all of it": (2, [(40, ""), (40, "eve@dest.test")]),
    "filtered": (1, [(5, "bob@dest.test")]),
    "filtered, found": (1, [(5, "bob@dest.test"), (15, "")]),
    "unsaid": (0, []),
}
"""How many recipients an entry had that is put in again, and when another goes on with it, all of it or for whom."""


@pytest.mark.parametrize("is_late", [False, True])
def test_what_is_put_in_again_is_unaccounted_until_it_is_taken_up(stack: Settings, *, is_late: bool) -> None:
    """And until as many are named as it had; whenever it is read."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["unaccounted"]}))
    said: list[MessageEvent] = []
    for key, (count, taken) in STRANDED.items():
        both.write(submitted(0, "A1", key=key, recipients_expected=count or None))
        said += [again(9, key=key), *(again(at, key=key, recipient=to) for at, to in taken)]
    said.append(event(Kind.DELETED, 80, host="origin", queue_id="A1", key="unsaid"))
    by_and_by(both, said, (10, 45, 100), is_late=is_late)
    rows = both.ask("SELECT message_key, raised_at, cleared_at FROM alarms")
    found = {
        row["message_key"]: (row["raised_at"].timestamp(), row["cleared_at"] and row["cleared_at"].timestamp())
        for row in rows
    }
    if is_late:  # who goes on with it in time is known too late
        assert found.keys() == STRANDED.keys()
    else:
        assert found == {
            "never": (29, None), "late": (29, 60), "short": (29, None), "both": (29, None), "first one": (29, 60),
            "all of it": (29, 40), "unsaid": (29, 80), "filtered": (29, None),
        }  # fmt: skip


NOTICES = {
    "stands": [(3, "issued", "N1")],
    "early": [(3, "issued", "N1"), (8, "undelivered", "N1")],
    "late": [(3, "issued", "N1"), (90, "undelivered", "N1")],
    "other": [(3, "issued", "N1"), (8, "undelivered", "N1"), (9, "issued", "N2")],
    "again": [(3, "issued", "N1"), (8, "undelivered", "N1"), (50, "issued", "N2")],
    "both": [(3, "issued", "N1"), (5, "issued", "N2"), (60, "undelivered", "N2"), (40, "undelivered", "N1")],
    "three": [(3, "issued", "N1"), (5, "issued", "N2"), (6, "issued", "N3"), (40, "undelivered", "N1")],
    "never": [(8, "undelivered", "N1")],
    "seen": [(3, "issued", "N1"), (8, "undelivered", "N1")],
}
"""What is said of notifications, by message."""


@pytest.mark.parametrize("is_late", [False, True])
def test_a_notification_that_is_undelivered_tells_nobody(stack: Settings, *, is_late: bool) -> None:
    """From when that could be known until another tells, whenever it is read; and then it is not refused correctly."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"refused": "untold", "findings": ["refused"]}))
    said: list[MessageEvent] = []
    for key, notices in NOTICES.items():
        both.write([*submitted(0, "A1", key=key), refused(3, key)])
        said += [of_notice(at, key, action, number) for at, action, number in notices]
    said += reported(70, A, "failed", key="seen")
    by_and_by(both, said, (10, 45, 100, 500), is_late=is_late)
    rows = both.ask("SELECT message_key, raised_at, cleared_at FROM alarms")
    found = {row["message_key"]: (row["raised_at"].timestamp(), row["cleared_at"]) for row in rows}
    if not is_late:
        assert {key: at for key, (at, _) in found.items()} == {
            "early": 23, "late": 90, "again": 23, "both": 60, "never": 23, "seen": 23
        }  # fmt: skip
        assert {key for key, (_, cleared) in found.items() if cleared} == {"again", "seen"}
    classes = both.ask("SELECT message_key, class FROM custody")
    right = {row["message_key"] for row in classes if row["class"] == "refused_correctly"}
    assert right == {"stands", "other", "again", "three"}


@pytest.mark.parametrize("how", ["always", "untold"])
def test_bulk_that_is_refused_is_no_finding(stack: Settings, how: str) -> None:
    """Under both ways of finding it; the others are found."""
    terms = {"refused": how, "findings": ["refused"], "bulk": ["News-*@*"]}
    both = Ledger.made(stack, Terms.parse(TERMS | terms))
    for key, sender in (("ours", "al@origin.test"), ("bulk", "news-7@origin.test")):
        both.write([*submitted(0, "A1", key=key, originator=sender), refused(3, key)])
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert [row["message_key"] for row in both.ask("SELECT message_key FROM alarms")] == ["ours"]
