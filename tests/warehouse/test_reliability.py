"""The reliability contract on hand-made units: each class, each boundary, and the figures."""

import math
from typing import Any, NamedTuple

import pytest

from streams.core.events import Kind, MessageEvent
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from tests.collect.postfix_logs import HEAD, Q1, Q2, attempt, told
from tests.core.journeys import TERMS, event, reported, sent, stored, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

pytestmark = pytest.mark.service

BOB = "bob@dest.test"
CAROL = "carol@dest.test"


class Case(NamedTuple):
    """What happened to one unit submitted at 0, due at 60, seen at clock 100; and the class it must be in."""

    name: str
    want: str
    what: list[MessageEvent]
    told: bool = False


def place(key: str) -> tuple[str, str]:
    """Where a case's message was submitted."""
    return "origin", f"A{key}"


def refused(at: float, key: str, status: str, action: str | None = None, recipient: str = BOB) -> MessageEvent:
    """The origin gave up."""
    where: dict[str, Any] = {"host": "origin", "queue_id": f"A{key}", "recipient": recipient}
    return event(Kind.REFUSED, at, key=key, status=status, action=action, **where)


def on_way(at: float, kind: Kind, key: str, **fields: Any) -> MessageEvent:
    """Something else that happened at the origin to the only recipient."""
    return event(kind, at, key=key, host="origin", queue_id=f"A{key}", recipient=BOB, **fields)


def case(name: str, want: str, *what: MessageEvent, late_by: float = 0, told: bool = False) -> Case:
    """A case: its submission, and what followed."""
    return Case(name, want, [*submitted(late_by, f"A{name}", key=name), *what], told)


CASES = [
    case("due-later", "not_yet_due", late_by=40.000001),
    case("due-now", "open", late_by=40),
    case("proven-but-not-due", "not_yet_due", *stored(51, place("proven-but-not-due"), "s1", key="proven-but-not-due"),
         late_by=50),
    case("stored", "proven_in_time", *stored(5, place("stored"), "s2", key="stored")),
    case("stored-at-due", "proven_in_time", *stored(60, place("stored-at-due"), "s3", key="stored-at-due")),
    case("stored-late", "proven_late", *stored(60.000001, place("stored-late"), "s4", key="stored-late")),
    case("reported", "proven_in_time", *reported(60, place("reported"), key="reported")),
    case("by-hand", "proven_in_time", on_way(59, Kind.DISCHARGED, "by-hand")),
    case("no-mailbox", "refused_correctly", refused(5, "no-mailbox", "5.1.1"),
         *reported(60, place("no-mailbox"), "failed", key="no-mailbox"), told=True),
    case("told-late", "refused_by_us", refused(5, "told-late", "5.1.1"),
         *reported(60.000001, place("told-late"), "failed", key="told-late")),
    case("never-told", "refused_by_us", refused(5, "never-told", "5.1.1")),
    case("disabled", "refused_correctly", refused(5, "disabled", "5.2.1"),
         *reported(6, place("disabled"), "failed", key="disabled"), told=True),
    case("full", "refused_by_us", refused(5, "full", "5.2.2"), *reported(6, place("full"), "failed", key="full"),
         told=True),
    case("policy", "refused_correctly", refused(5, "policy", "5.7.1"),
         *reported(6, place("policy"), "failed", key="policy"), told=True),
    case("no-or-name", "refused_correctly", refused(5, "no-or-name", "1/0"),
         *reported(6, place("no-or-name"), "failed", key="no-or-name"), told=True),
    case("no-security", "refused_correctly",
         *reported(6, place("no-security"), "failed", key="no-security", status="8/68"), told=True),
    case("too-long", "refused_by_us", refused(5, "too-long", "1/7"),
         *reported(6, place("too-long"), "failed", key="too-long"), told=True),
    case("expired", "refused_by_us", refused(5, "expired", "4.4.7"),
         *reported(6, place("expired"), "failed", key="expired"), told=True),
    case("greylisted", "refused_by_us", refused(5, "greylisted", "4.7.1", "expired"),
         *reported(6, place("greylisted"), "failed", key="greylisted"), told=True),
    case("untried", "refused_by_us", refused(5, "untried", "4.7.0", "forced", ""),
         *reported(6, place("untried"), "failed", key="untried"), told=True),
    case("ordered", "refused_by_us", on_way(5, Kind.NON_DELIVERED, "ordered", status="5.7.1"),
         *reported(6, place("ordered"), "failed", key="ordered"), told=True),
    case("unseen", "refused_by_us", *reported(6, place("unseen"), "failed", key="unseen", status="4.2.1"), told=True),
    case("unseen-policy", "refused_correctly",
         *reported(6, place("unseen-policy"), "failed", key="unseen-policy", status="5.7.1"), told=True),
    case("refused-and-stored", "proven_in_time", refused(5, "refused-and-stored", "5.1.1"),
         *stored(6, place("refused-and-stored"), "s5", key="refused-and-stored")),
    case("relayed", "beyond_sight", *reported(6, place("relayed"), "relayed", key="relayed")),
    case("discarded", "open", on_way(5, Kind.DISCARDED, "discarded")),
    case("nothing", "open"),
]  # fmt: skip


@pytest.fixture(scope="module")
def terms() -> Terms:
    """A report within 60 seconds."""
    return Terms.parse(TERMS)


def test_each_unit_is_in_the_class_that_the_contract_says(stack: Settings, terms: Terms) -> None:
    """The first class that matches wins, at its boundary too; and all figures follow."""
    units = Ledger.made(stack, terms)
    for one in CASES:
        units.write(one.what)
    units.tick(100)
    units.derive()
    classes = {row["message_key"]: row["class"] for row in units.ask("SELECT message_key, class FROM custody")}
    assert classes == {one.name: one.want for one in CASES}
    contradictory = units.ask("SELECT message_key FROM custody WHERE contradictory")
    assert [row["message_key"] for row in contradictory] == ["refused-and-stored"]
    (total,) = units.ask("SELECT * FROM reliability_total")
    assert_is_the_contracts(total, [one.want for one in CASES], sum(one.told for one in CASES))
    assert units.ask("SELECT sum(sent) AS n FROM reliability_daily") == [{"n": len(CASES)}]


def assert_is_the_contracts(total: dict[str, Any], wanted: list[str], told: int) -> None:
    """Every figure, computed here from the classes alone."""
    n = {name: wanted.count(name) for name in set(wanted)}
    due = len(wanted) - n["not_yet_due"]
    owed = due - n["refused_correctly"]
    seen = n["proven_in_time"] + n["beyond_sight"]
    assert (total["sent"], total["owed"], total["settled"]) == (len(wanted), owed, False)
    assert total["reliability"] == pytest.approx(n["proven_in_time"] / owed)
    assert total["upper"] == pytest.approx(seen / owed)
    assert total["delivered"] == pytest.approx((n["proven_in_time"] + n["proven_late"]) / owed)
    assert total["visibility"] == pytest.approx((due - n["beyond_sight"]) / due)
    assert total["system"] == pytest.approx((n["proven_in_time"] + told) / due)
    low, high = wilson(n["proven_in_time"], owed)
    assert (total["low"], total["high"]) == pytest.approx((low, high))
    assert total["nines"] is None


def wilson(good: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927), by its roots."""
    z = 1.959963984540054
    middle, width = good + z * z / 2, z * math.sqrt(good * (of - good) / of + z * z / 4)
    return (middle - width) / (of + z * z), (middle + width) / (of + z * z)


def test_the_terms_say_which_refusals_are_right(stack: Settings) -> None:
    """A full mailbox is the recipient's own cause where the terms say so; an unknown one is not, where they do not."""
    units = Ledger.made(stack, Terms.parse(TERMS | {"refused_correctly": ["*.2.2"]}))
    for name in ("no-mailbox", "full"):
        units.write(next(one.what for one in CASES if one.name == name))
    units.tick(100)
    units.derive()
    classes = {row["message_key"]: row["class"] for row in units.ask("SELECT message_key, class FROM custody")}
    assert classes == {"no-mailbox": "refused_by_us", "full": "refused_correctly"}


def test_an_operator_who_expires_what_was_never_tried_refuses_nothing_correctly(stack: Settings, terms: Terms) -> None:
    """Postfix says `4.7.0 administratively expired` of it first, which is a policy's status and nobody's refusal."""
    units = Ledger.made(stack, terms)
    events = told(
        "origin",
        *HEAD,
        f"postfix/postsuper[11]: {Q1}: expired",
        f"postfix/postsuper[11]: {Q1}: released from hold",
        attempt("deferred (message is administratively expired)", agent="error", dsn="4.7.0"),
        f"postfix/qmgr[9]: {Q1}: from=<alice@origin.test>, status=force-expired, returned to sender",
        f"postfix/bounce[12]: {Q1}: sender non-delivery notification: {Q2}",
        f"postfix/qmgr[9]: {Q1}: removed",
    )
    units.write(events)
    units.tick(events[0].occurred_at // SECOND + 100)
    units.derive()
    found = units.ask("SELECT refused_status, abandoned, told_at IS NOT NULL AS told, class FROM custody")
    assert found == [{"refused_status": "4.7.0", "abandoned": True, "told": 1, "class": "refused_by_us"}]
    assert units.ask("SELECT owed, refused_correctly FROM reliability_total") == [{"owed": 1, "refused_correctly": 0}]
    assert {rule for rule, _ in units.told()} >= {"overdue", "refused"}
    assert_agree(units)


def test_blind_where_a_source_was_silent_before_it_was_due(stack: Settings, terms: Terms) -> None:
    """Silent between submission and due: we could not see."""
    units = Ledger.made(stack, terms)
    units.write([*submitted(0, "A1", key="seen"), *submitted(30, "A2", key="unseen")])
    units.tick(65)
    units.tick(75, silent=("dest",))
    units.tick(90)
    units.tick(200)
    units.derive()
    classes = {row["message_key"]: row["class"] for row in units.ask("SELECT message_key, class FROM custody")}
    assert classes == {"seen": "open", "unseen": "blind"}
    assert units.derived() == units.told()


def test_nines_need_a_hundred(stack: Settings, terms: Terms) -> None:
    """A hundred of a hundred is 1.43 nines, not endlessly many; 99 give none."""
    units = Ledger.made(stack, terms)
    events = [one for n in range(99) for one in proven(n)]
    units.write(events)
    units.tick(100)
    units.derive()
    assert units.ask("SELECT reliability, nines FROM reliability_total") == [{"reliability": 1.0, "nines": None}]
    units.write(proven(99))
    units.tick(101)
    units.derive()
    (row,) = units.ask("SELECT nines, low, high FROM reliability_total")
    assert row["nines"] == pytest.approx(-math.log10(1 - wilson(100, 100)[0]))
    assert row["nines"] == pytest.approx(1.4317, abs=1e-3)
    assert row["high"] == 1


def proven(number: int) -> list[MessageEvent]:
    """A unit that a report proved."""
    key = f"k{number}"
    return [*submitted(0, f"A{key}", key=key), *reported(1, place(key), key=key)]


def test_nothing_owed_is_null_and_not_perfect(stack: Settings, terms: Terms) -> None:
    """O = 0 gives null."""
    units = Ledger.made(stack, terms)
    units.write(submitted(0, "A1"))
    units.tick(10)
    units.derive()
    (row,) = units.ask(
        "SELECT reliability, upper, delivered, visibility, system, low, high, nines FROM reliability_total"
    )
    assert set(row.values()) == {None}


def test_members_roll_up_to_their_parent_the_worst_counts(stack: Settings, terms: Terms) -> None:
    """An expansion is proven when its last member is; members are no units."""
    units = Ledger.made(stack, terms)
    units.write(expanded("half") + expanded("both"))
    units.write(stored(20, ("dest", "Bboth"), "s-both-carol", CAROL, key="both"))
    units.tick(100)
    units.derive()
    found = units.ask("SELECT message_key, members, members_proven, class, proof_at FROM custody ORDER BY message_key")
    assert [(row["message_key"], row["members"], row["members_proven"], row["class"]) for row in found] == [
        ("both", 2, 2, "proven_in_time"),
        ("half", 2, 1, "open"),
    ]
    assert found[0]["proof_at"].second == 20


def expanded(key: str) -> list[MessageEvent]:
    """A list of two, of whom bob got it."""
    team = "team@dest.test"
    here: dict[str, Any] = {"key": key, "host": "dest", "queue_id": f"B{key}"}
    return [
        *submitted(0, f"A{key}", team, key=key),
        *sent(1, place(key), ("dest", f"B{key}"), team, key=key),
        *(
            event(
                Kind.REDIRECTED,
                2,
                recipient=team,
                next_leg=event(Kind.DELIVERED, 2, recipient=member, **here).leg,
                next_queue_id=f"B{key}",
                peer="dest",
                ordinal=number,
                **here,
            )
            for number, member in enumerate((BOB, CAROL))
        ),
        *stored(3, ("dest", f"B{key}"), f"s-{key}-bob", key=key),
    ]


def test_units_whose_terms_expect_no_proof_are_counted_apart(stack: Settings) -> None:
    """Bulk mail is a unit, but never in a reliability view."""
    units = Ledger.made(stack, Terms.parse(TERMS | {"bulk": ["al@*"]}))
    units.write(submitted(0, "A1"))
    units.tick(1000)
    units.derive()
    assert units.ask("SELECT class FROM custody") == [{"class": "not_expected"}]
    assert units.ask("SELECT sum(sent) AS n FROM reliability") == [{"n": 0}]
    assert units.ask("SELECT units FROM unexpected_daily") == [{"units": 1}]


def test_the_next_party_is_another_host(stack: Settings, terms: Terms) -> None:
    """What a host hands to a filter of its own comes back to it: who gets it then is the next party."""
    units = Ledger.made(stack, terms)
    first, again = ("origin", "A1"), ("origin", "A2")
    units.write([*submitted(0, "A1"), *sent(1, first, again), *sent(2, again, ("relay", "B1"))])
    units.write([*submitted(0, "A3", key="inside"), *sent(1, ("origin", "A3"), ("origin", "A4"), key="inside")])
    units.tick(100)
    units.derive()
    said = units.ask("SELECT peer, sent FROM reliability_by_peer WHERE sent > 0 ORDER BY peer")
    assert [(row["peer"], row["sent"]) for row in said] == [("", 1), ("relay", 1)]
