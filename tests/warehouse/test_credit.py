"""Who evidence counts for, in SQL as in the stream: what names another recipient, another submission or no queue."""

from typing import Any

import pytest

from streams.core import identity
from streams.core.events import Kind
from streams.core.terms import Terms
from streams.settings import Settings
from tests.core.journeys import TERMS, claim, event, redirected, reported, sent, stored, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

A, B = ("origin", "A1"), ("relay", "B1")

pytestmark = pytest.mark.service


def test_who_was_redirected_says_why_a_report_names_another(stack: Settings) -> None:
    """Of four messages that dave got bob's address gave way; another's did; bob's, too late; the relay is not heard."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    for number, first in enumerate(("bob@dest.test", "eve@else.test", "", "")):
        key = f"m{number}"
        heard = sent(1, A, B, key=key)[: 2 if number == 3 else 3]
        both.write([*submitted(0, "A1", key=key), *heard, claim(3, "dave@else.test", key=key)])
        if first:
            both.write([redirected(2, first, "dave@else.test", key=key)])
    both.tick(10)
    both.write([redirected(2, "bob@dest.test", "dave@else.test", key="m2")])
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert [
        key
        for (key,) in both.client.query(
            "SELECT message_key FROM alarms WHERE rule = 'misrouted' ORDER BY message_key"
        ).result_rows
    ] == ["m1"]


def test_whoever_a_report_names_is_no_recipient_of_a_queue(stack: Settings) -> None:
    """What is reported under an address that no queue had is neither stuck, nor counted, nor in a queue."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    for key, queue_id in (("m", "A1"), ("n", "A2")):
        where: dict[str, Any] = {"key": key, "host": "origin", "queue_id": queue_id}
        both.write(submitted(0, queue_id, key=key, recipients_expected=2))
        both.write([event(Kind.REPORTED, 3, recipient="robert@else.test", action="delivered", **where)])
    both.write([event(Kind.REMOVED, 9, **where)])
    both.tick(500)
    both.derive()
    assert_agree(both)
    named = both.ask("SELECT queue_id, recipient FROM alarms WHERE rule IN ('stuck', 'unaccounted') ORDER BY queue_id")
    assert [(row["queue_id"], row["recipient"]) for row in named] == [("A1", "bob@dest.test"), ("A2", "")]
    assert [row["n"] for row in both.ask("SELECT count() AS n FROM legs WHERE arrived_at IS NOT NULL")] == [2]


def test_a_report_keeps_what_it_cleared_though_it_turns_out_to_be_anothers(stack: Settings) -> None:
    """As long as one submission was known it was that one's; of measures only the other has it."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(submitted(0, "A1"))
    both.tick(60)
    both.write(reported(2, ("origin", "A2")))
    both.tick(61)
    both.write(submitted(0, "A2"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    proven = "SELECT queue_id, proof_at IS NOT NULL FROM custody ORDER BY queue_id"
    assert both.client.query(proven).result_rows == [("A1", 0), ("A2", 1)]


def test_a_report_that_turns_out_to_be_anothers_hides_no_loss(stack: Settings) -> None:
    """It was known before the submission that it is about, and before it was due: who is left without one is told."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(submitted(0, "A1") + reported(2, ("origin", "A2")))
    both.tick(3)
    both.write(submitted(1, "A2"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    late = both.ask("SELECT queue_id, proven, cleared_at FROM alarms WHERE rule = 'overdue'")
    assert [(row["queue_id"], row["proven"], row["cleared_at"]) for row in late] == [("A1", False, None)]


LENT: dict[str, tuple[list[tuple[int, str]], list[tuple[int, str]], tuple[float, float | None] | None]] = {
    "never": ([(2, "A2")], [], None),
    "early": ([(2, "A2")], [(3, "A2")], (60, None)),
    "late": ([(2, "A2")], [(70, "A2")], (70, None)),
    "twice": ([(2, "A2"), (61, "A3")], [(70, "A2"), (80, "A3")], (80, None)),
    "once": ([(2, "A2"), (61, "A3")], [(70, "A2")], None),
    "again": ([(2, "A2"), (80, "A1")], [(70, "A2")], (70, 80)),
    "cleared": ([(61, "A2")], [(70, "A2")], (60, 61)),
}
"""Whose reports are read after a second, whose submissions, and from when A1's is overdue, and to when."""


def test_a_report_answers_until_it_turns_out_to_be_anothers(stack: Settings) -> None:
    """It was known before it was due: the alarm is raised when it could be known whose it is, and not before."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["overdue"]}))
    both.write(one for key in LENT for one in submitted(0, "A1", key=key))
    for second in (2, 3, 61, 70, 80, 500):
        both.tick(second)
        for key, (reports, submissions, _) in LENT.items():
            both.write(one for at, name in reports if at == second for one in reported(2, ("origin", name), key=key))
            both.write(one for at, name in submissions if at == second for one in submitted(1, name, key=key))
        both.tick(second + 1)
        both.derive()
        assert_agree(both)
    rows = both.ask("SELECT message_key, raised_at, cleared_at FROM alarms WHERE queue_id = 'A1'")
    found = {row["message_key"]: (row["raised_at"].timestamp(), row["cleared_at"]) for row in rows}
    rounded = {key: (int(since), until and int(until.timestamp())) for key, (since, until) in found.items()}
    assert rounded == {key: alarm for key, (_, _, alarm) in LENT.items() if alarm}


@pytest.mark.parametrize("rule", ["deleted", "refused", "misrouted"])
def test_a_queue_that_nothing_handed_to_is_the_only_submissions(stack: Settings, rule: str) -> None:
    """The log of the hand-over is lost: what befell that queue befell the message all the same."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": [rule]}))
    for key, places in (("one", ["A1"]), ("two", ["A1", "A2"])):
        here: dict[str, Any] = {"host": "relay", "queue_id": "B1", "key": key}
        eve = identity.leg_of("dest", "C1", "eve@else.test", key=key)
        away: dict[str, Any] = {"recipient": "bob@dest.test", "side": "sent", "peer": "dest", "next_queue_id": "C1"}
        befell = {
            "deleted": event(Kind.DELETED, 5, **here),
            "refused": event(Kind.REFUSED, 5, **here),
            "misrouted": event(Kind.TRANSFERRED, 5, next_leg=eve, **here, **away),
        }
        for place in places:
            both.write(submitted(0, place, key=key))
        both.write([event(Kind.TRANSFERRED, 2, side="received", recipient="bob@dest.test", **here), befell[rule]])
    both.tick(500)
    both.derive()
    assert_agree(both)
    found = both.ask("SELECT rule, message_key, queue_id FROM alarms")
    assert [tuple(row.values()) for row in found] == [(rule, "one", "A1")]


def test_what_names_a_deputy_alone_is_about_whom_they_stand_for(stack: Settings) -> None:
    """A report and a receipt by the deputy's name; where they were written to themselves, it is about that."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["overdue", "unread"]}))
    dave = "dave@dest.test"
    for key in ("deputy", "both"):
        both.write(
            [*submitted(0, "A1", key=key), *sent(1, A, B, key=key), redirected(2, "bob@dest.test", dave, key=key)]
        )
        both.write(stored(3, B, f"s{key}", dave, key=key))
        leg = identity.pair_leg(key, dave)
        both.write([event(Kind.REPORTED, 4, key=key, recipient=dave, action="delivered", leg=leg)])
        both.write([event(Kind.READ, 5, key=key, recipient=dave, action="displayed", leg=leg)])
    both.write(submitted(0, "A1", dave, key="both"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    found = both.ask("SELECT rule, message_key, recipient FROM alarms ORDER BY rule")
    assert [tuple(row.values()) for row in found] == [
        ("overdue", "both", "bob@dest.test"),
        ("unread", "both", dave),
    ]
