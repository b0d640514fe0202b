"""Each finding by SQL is the stream's: rule, unit, due, raised, cleared and proven, under any terms."""

from typing import Any

import pytest

from streams.core import identity
from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from tests.core.journeys import TERMS, event, filed, journey, moved, reported, sent, stored, submitted, there
from tests.warehouse.ledgers import Ledger, assert_agree

A, B = ("origin", "A1"), ("relay", "B1")

pytestmark = pytest.mark.service


def gone(at: float, where: tuple[str, str], kind: Kind = Kind.REMOVED) -> MessageEvent:
    """An entry left its queue as a whole."""
    return event(kind, at, host=where[0], queue_id=where[1])


def to(kind: Kind, at: float, where: tuple[str, str], **fields: Any) -> MessageEvent:
    """Something happened to bob's copy at a place."""
    return event(kind, at, host=where[0], queue_id=where[1], **({"recipient": "bob@dest.test"} | fields))


EACH: dict[str, list[MessageEvent]] = {
    "overdue": journey(0, "1", report=False),
    "unread": journey(0, "1", read=False),
    "not-read": [
        *journey(0, "1", read=False),
        to(Kind.NOT_READ, 50, ("store", "INBOX/s1"), leg=identity.copy_leg("store", "bob@dest.test", "INBOX", "s1")),
    ],
    "stuck": submitted(0, "A1"),
    "refused": [*submitted(0, "A1"), to(Kind.REFUSED, 3, A, status="5.1.1"), *reported(4, A, "failed")],
    "deleted": [*submitted(0, "A1"), gone(5, A, Kind.DELETED)],
    "unaccounted": [*submitted(0, "A1", recipients_expected=2), to(Kind.DELIVERED, 1, A), gone(2, A)],
    "misrouted": [
        *submitted(0, "A1"),
        to(
            Kind.TRANSFERRED, 1, A, side="sent", peer="relay", next_queue_id="B1",
            next_leg=identity.leg_of("relay", "B1", "eve@else.test", key="m"),
        ),
        to(Kind.DELIVERED, 2, B, recipient="eve@else.test"),
    ],
    "duplicate": [*journey(0, "1"), *stored(5, ("relay", "B1"), "s9", ordinal=1)],
    "identity-reused": [*journey(0, "1"), *journey(30, "2")],
    "uncorroborated-report": [to(Kind.REPORTED, 5, ("nowhere", "X1"), action="delivered")],
}  # fmt: skip
"""For each finding, a journey that has it."""


def test_what_was_moved_unopened_is_still_to_be_read(stack: Settings) -> None:
    """By its time, wherever it lies: opened there late, purged there, or moved on and left there."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    for key in ("late", "purged", "on"):
        both.write([*journey(0, key, key=key, read=False), moved(5, "INBOX", "Later", f"s{key}", key=key)])
    both.write([there(Kind.READ, 150, "Later", "slate", key="late")])
    both.write([there(Kind.NOT_READ, 50, "Later", "spurged", key="purged")])
    both.write([moved(160, "Later", "Trash", "son", key="on")])
    both.tick(500)
    both.derive()
    assert_agree(both)
    said = both.ask("SELECT rule, message_key, cleared_at IS NULL AS stands FROM alarms ORDER BY message_key")
    assert [(row["rule"], row["message_key"], row["stands"]) for row in said] == [
        ("unread", "late", 0),
        ("unread", "on", 1),
        ("not-read", "purged", 1),
    ]


@pytest.mark.parametrize("late", [0, 1], ids=["at once", "late"])
def test_an_alias_that_keeps_a_copy_has_two_members(stack: Settings, late: int) -> None:
    """One is proven by what became of it, and the other's is stuck, or deleted; nothing proves the message."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"report": {}}))
    for key in ("waits", "late", "deleted", "arrived"):
        legs = [identity.leg_of(*A, who, key=key) for who in ("bob@dest.test", "sec@dest.test")]
        both.write(submitted(0, "A1", key=key))
        other, own = (to(Kind.REDIRECTED, 1, A, key=key, next_leg=leg, ordinal=n) for n, leg in enumerate(legs[::-1]))
        fate = Kind.REFUSED if key == "deleted" else Kind.DELIVERED
        both.write([other, to(fate, 2, A, recipient="sec@dest.test", key=key)])
        if late:
            both.tick(40)
        both.write([own])
        both.write([to(Kind.DELETED, 60, A, recipient="", key=key)] if key == "deleted" else [])
        both.write([to(Kind.DELIVERED, 61, A, key=key)] if key == "arrived" else [])
    both.tick(500)
    both.derive()
    assert_agree(both)
    said = {row.pop("message_key"): row for row in both.ask(
        "SELECT message_key, members, members_proven, proof_at IS NOT NULL AS proven FROM custody"
    )}  # fmt: skip
    waits = {"members": 2, "members_proven": 1, "proven": 0}
    arrived = {"members": 2, "members_proven": 2, "proven": 1}
    assert said == {"waits": waits, "late": waits, "deleted": waits | {"members_proven": 0}, "arrived": arrived}
    rules = both.ask("SELECT rule, message_key FROM alarms WHERE cleared_at IS NULL AND rule != 'refused' ORDER BY ALL")
    assert [(row["rule"], row["message_key"]) for row in rules] == [
        ("deleted", "deleted"),
        ("stuck", "late"),
        ("stuck", "waits"),
    ]


def test_copies_of_one_session_are_one_delivery(stack: Settings) -> None:
    """Filed and kept, once and twice; alone by their message until another submission is known; and from a queue."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"findings": ["duplicate"]}))
    for key, sessions in (("once", ("s1",)), ("twice", ("s2", "s3"))):
        both.write(submitted(0, "A1", key=key))
        for at, session in enumerate(sessions, 4):
            entry = event(
                Kind.DELIVERED, at, key=key, host="origin", queue_id="A1", recipient="bob@dest.test",
                next_leg=identity.session_leg(session),
            )  # fmt: skip
            both.write([entry, *stored(at, B, session, key=key)[2:], filed(at, session, key=key)])
    for at, session in ((4, "s4"), (5, "s5")):
        both.write([*stored(at, B, session, key="alone")[2:], filed(at, session, key="alone")])
    both.write(submitted(0, "A2", key="alone"))
    lie = {uid: identity.copy_leg("store", "bob@dest.test", "INBOX", uid) for uid in ("u1", "u2")}
    queued = [
        to(Kind.DELIVERED, at, ("origin", "A3"), key="queue", next_leg=copy) for at, copy in enumerate(lie.values(), 4)
    ]
    both.write([*submitted(0, "A3", key="queue"), *queued])
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert sorted(row["message_key"] for row in both.ask("SELECT message_key FROM alarms")) == [
        "alone", "alone", "queue", "twice", "twice",
    ]  # fmt: skip
    both.write(submitted(1, "A9", key="alone"))
    both.tick(600)
    both.derive()
    assert_agree(both)
    left = both.ask("SELECT message_key FROM alarms WHERE cleared_at IS NULL")
    assert sorted(row["message_key"] for row in left) == ["queue", "twice", "twice"]


@pytest.mark.parametrize("rule", sorted(EACH))
def test_each_finding_in_sql_is_the_cores(stack: Settings, rule: str) -> None:
    """Rule, unit, due, raised, cleared and proven; and again when a person has discharged the recipient."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(EACH[rule])
    both.tick(500)
    both.derive()
    assert rule in {name for name, _ in both.told()}
    assert_agree(both)
    both.write([to(Kind.DISCHARGED, 600, A)])
    both.tick(700)
    both.derive()
    assert_agree(both)


def test_refusals_that_were_told_are_quiet_where_the_terms_say_so(stack: Settings) -> None:
    """Under `untold` only the refusals that nobody told the originator are found; a notice of delay tells nothing."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"refused": "untold"}))
    both.write(EACH["refused"])
    both.write(
        [
            *submitted(0, "A7", key="x"),
            event(Kind.REFUSED, 3, key="x", host="origin", queue_id="A7", recipient="bob@dest.test"),
        ]
    )
    for key, notice in (("y", "delayed"), ("z", "failed")):
        both.write(
            [
                *submitted(0, "A8", key=key),
                event(Kind.REFUSED, 3, key=key, host="origin", queue_id="A8", recipient="bob@dest.test"),
                event(
                    Kind.REPORTED, 4, key=key, host="origin", queue_id="A8", action="issued",
                    attributes=(f"notification={notice}",),
                ),
            ]
        )  # fmt: skip
    for key, notice in (("v", "delayed"), ("w", "failed")):
        rejected: dict[str, Any] = {
            "key": key,
            "host": "store",
            "queue_id": f"s{key}",
            "leg": identity.session_leg(f"s{key}"),
        }
        both.write(
            [
                *submitted(0, "A6", key=key),
                event(
                    Kind.DELIVERED, 2, key=key, host="origin", queue_id="A6", recipient="bob@dest.test",
                    next_leg=identity.session_leg(f"s{key}"),
                ),
                event(Kind.REFUSED, 3, recipient="bob@dest.test", **rejected),
                event(
                    Kind.REPORTED, 3, recipient="bob@dest.test", action="issued",
                    attributes=(f"notification={notice}",), **rejected,
                ),
            ]
        )  # fmt: skip
    lone: dict[str, Any] = {
        "key": "u",
        "host": "store",
        "queue_id": "su",
        "leg": identity.session_leg("su"),
        "recipient": "bob@dest.test",
    }
    both.write([event(Kind.REPORTED, 3, action="issued", attributes=("notification=failed",), **lone)])
    both.write([event(Kind.REPORTED, 4, action="delivered", **lone)])
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert sum(name == "refused" for name, _ in both.told()) == 3


def test_terms_by_domain_fix_due_times_as_in_the_core(stack: Settings) -> None:
    """The last rule that matches wins, by shell patterns."""
    rules = [
        {"recipient_domain": "*.test", "report": {"normal": 7}},
        {"originator_domain": "o?igin.t[de]st", "stuck": {}},
    ]
    both = Ledger.made(stack, Terms.parse(TERMS | {"rules": rules}))
    both.write(submitted(0, "A1"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert [(name, alarm[0]) for (name, _), alarm in both.told().items()] == [("overdue", 7 * SECOND)]


def test_terms_by_grade_and_mailbox_fix_due_times_as_in_the_core(stack: Settings) -> None:
    """High grade is owed sooner; a duty desk is read sooner, and a robot never."""
    rules = [{"grade": "high", "report": {"normal": 7}, "stuck": {"normal": 8}}]
    boxes = [{"mailbox": "duty@*/INBOX", "after": 9}, {"mailbox": "robot@*"}]
    unread = {"after": 100, "mailboxes": ["*@dest.test/INBOX"], "rules": boxes}
    both = Ledger.made(stack, Terms.parse(TERMS | {"rules": rules, "unread": unread}))
    both.write([*submitted(0, "A1", attributes=("grade=High",)), *submitted(0, "A2", key="n")])
    for user in ("duty", "bob", "robot"):
        both.write(stored(1, B, f"s-{user}", f"{user}@dest.test", key=user))
    both.tick(500)
    both.derive()
    assert_agree(both)
    due = sorted((rule, (late or 0) // SECOND) for (rule, _), (_, _, late, _, _) in both.told().items())
    assert due == [("overdue", 7), ("overdue", 60), ("stuck", 8), ("stuck", 30), ("unread", 10), ("unread", 101)]


def test_a_report_that_a_wrong_clock_may_explain(stack: Settings) -> None:
    """`clock-doubt` in SQL where it is in the core."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(submitted(0, "A1"))
    both.tick(20, doubted=("origin-log",))
    both.tick(50)
    both.write(submitted(100, "A2", key="n"))
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert sorted(rule for rule, _ in both.told() if rule != "stuck") == ["clock-doubt", "overdue", "source-doubted"]


def test_a_report_that_a_silent_source_may_explain(stack: Settings) -> None:
    """It waits until the source has spoken; a submission that becomes known meanwhile makes it no finding."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.tick(2, silent=("origin",))
    both.write([*reported(5, ("nowhere", "X1")), *reported(6, ("origin", "A1"), key="n")])
    both.tick(90)
    both.write(submitted(0, "A1", key="n"))
    both.tick(200)
    both.derive()
    assert_agree(both)
    waited = [alarm for (rule, _), alarm in both.told().items() if rule == "uncorroborated-report"]
    assert waited == [(110 * SECOND, None, None, False, False)]


@pytest.mark.parametrize(("said_of", "since"), [("silent", 2), ("behind", 10), ("doubted", 10)])
def test_what_ticks_say_of_a_source(stack: Settings, said_of: str, since: int) -> None:
    """It stands while they say it, and is cleared by the first that does not."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.tick(2)
    both.tick(10, **{said_of: ("origin",)})
    both.derive()
    assert_agree(both)
    both.tick(20)
    both.derive()
    assert_agree(both)
    ((name, _),) = both.told()
    (alarm,) = both.told().values()
    assert (name, *alarm[:2]) == (f"source-{said_of}", since * SECOND, 20 * SECOND)


def test_a_hand_over_that_never_arrived(stack: Settings) -> None:
    """The relay speaks, and never said that it received this one."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(journey(0, "1", key="other"))
    both.write([*submitted(0, "A1"), sent(1, A, ("relay", "B7"))[0], gone(1, A)])
    both.tick(500)
    both.derive()
    assert ("unaccounted", submitted(0, "A1")[1].leg) in both.told()
    assert_agree(both)


def test_of_two_hand_overs_known_at_once_both_mean_the_same(stack: Settings) -> None:
    """One leg was handed on twice, both told late; what arrived was the one that happened first."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    places = {identity.place_of("relay", one, key="m")[::-1]: ("relay", one) for one in ("B7", "B8")}
    least, other = (places[place] for place in sorted(places))
    both.write([*journey(0, "1", key="other"), *submitted(0, "A1")])
    both.tick(50)
    both.write([sent(5, A, other)[0], sent(5, A, other)[2], sent(6, A, least)[0]])
    both.tick(500)
    both.derive()
    assert ("unaccounted", submitted(0, "A1")[1].leg) in both.told()
    assert_agree(both)


@pytest.mark.parametrize("kind", [Kind.DISCARDED, Kind.QUARANTINED])
def test_what_the_store_threw_away_was_not_delivered(stack: Settings, kind: Kind) -> None:
    """The switch and a report say delivered; the store says that it put the message nowhere its reader looks."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    saved = [one for one in journey(0, "1", read=False) if one.host != "store"]
    leg = identity.session_leg("s1")
    both.write([*saved, event(kind, 1, host="store", queue_id="s1", recipient="bob@dest.test", leg=leg)])
    both.write(journey(0, "2", key="n"))
    both.tick(100)
    both.derive()
    said = both.ask("SELECT message_key, outcome, proof FROM custody ORDER BY message_key")
    assert [(row["outcome"], row["proof"]) for row in said] == [(kind.value, "report"), ("delivered", "store")]


@pytest.mark.parametrize("kind", [Kind.DISCARDED, Kind.QUARANTINED])
def test_the_switchs_word_proves_nothing_against_the_stores(stack: Settings, kind: Kind) -> None:
    """Nobody reports: what the switch handed over, and its store threw away, is open."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    handed = [one for one in journey(0, "1", read=False) if one.host != "store" and one.kind != Kind.REPORTED]
    leg = identity.session_leg("s1")
    both.write([*handed, event(kind, 1, host="store", queue_id="s1", recipient="bob@dest.test", leg=leg)])
    both.tick(100)
    both.derive()
    (said,) = both.ask("SELECT outcome, proof, proof_at, class FROM custody")
    assert said == {"outcome": kind.value, "proof": "", "proof_at": None, "class": "open"}
    assert_agree(both)


@pytest.mark.parametrize("action", ["issued", "undelivered"])
def test_what_a_switch_says_of_its_notifications_is_no_report(stack: Settings, action: str) -> None:
    """Of a queue, or of a store's delivery: nobody saw a report of a message that was never submitted."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    said: dict[str, Any] = {"action": action, "next_queue_id": "N1", "attributes": ("notification=failed",)}
    both.write(
        [
            to(Kind.REPORTED, 5, A, recipient="", key="m1", **said),
            to(Kind.REPORTED, 5, A, key="m2", **said),
            to(Kind.REPORTED, 5, ("store", "s1"), leg=identity.session_leg("s1"), key="m3", **said),
        ]
    )
    both.tick(500)
    both.derive()
    assert_agree(both)
    assert both.told() == {}
