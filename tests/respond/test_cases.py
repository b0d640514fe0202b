"""Cases: one cause, with what it holds up."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.respond import cases
from streams.respond.lives import Life

NEVER = 1000
"""After every time here."""


def alert(number: int, state: str = "raised", at: int = 10, **fields: Any) -> dict[str, Any]:
    """A record of the alerts topic."""
    return {
        "alert_id": bytes([number % 256]) * 16,
        "rule": "overdue",
        "cause": "on hold on relay",
        "state": state,
        "at": at,
        "severity": "high",
        "message_key": f"m{number}",
    } | fields


class Desk:
    """What is filed of some alerts, by their ids."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.members: dict[bytes, cases.Member] = {}
        self.cases: dict[bytes, cases.Case] = {}

    def hear(self, *alerts: dict[str, Any]) -> Any:
        """File alerts; returns the case of the last, if it is known by then."""
        for one in alerts:
            member = cases.filed(self.members.get(one["alert_id"], cases.Member()), one)
            self.members[one["alert_id"]] = member
            if member.case_id:
                self.cases[member.case_id] = cases.take(self.cases.get(member.case_id), member, one)
        return self.cases.get(member.case_id)

    def records(self) -> dict[bytes, dict[str, Any]]:
        """Every case as a record, without what depends on who came first."""
        return {number: cases.record(case) | {"sample": None} for number, case in self.cases.items()}


def test_an_outage_is_one_case() -> None:
    """Ten thousand alerts of one cause are members of one case, which shows a few."""
    told = (alert(n, at=20 - n % 7, alert_id=n.to_bytes(16, "big")) for n in range(10_000))
    case = Desk().hear(*told)
    assert [cases.record(case)[name] for name in ("state", "members", "opened_at")] == ["open", 10_000, 14]
    assert len(case.cover.sample) == cases.SAMPLE


def test_what_was_taken_back_and_is_raised_again_stands() -> None:
    """Terms that change, and change back; what was cleared otherwise and is told again stays cleared."""
    desk = Desk()
    back = alert(1, "cleared", 30, attributes=["withdrawn"])
    for told, state in (((alert(1), back), "closed"), ((alert(1),), "open"), ((back,), "closed")):
        assert desk.hear(*told).state == state
    assert desk.hear(alert(2), alert(2, "cleared", 40), alert(2)).state == "closed"


def test_a_case_is_closed_when_all_are_cleared_and_opened_again() -> None:
    """Closed at the last clearing; a late member opens it again."""
    desk = Desk()
    for told, known in (
        ((alert(1), alert(2), alert(1, "cleared", 30)), ("open", 1, None)),
        ((alert(2, "cleared", 40),), ("closed", 0, 40)),
        ((alert(3, at=50),), ("open", 1, None)),
    ):
        said = cases.record(desk.hear(*told))
        assert (said["state"], said["standing"], said["closed_at"]) == known


def test_a_case_that_comes_back_says_since_when_and_of_how_many_it_stands() -> None:
    """Not since its first alert: an outage of today is not as old, and as great, as one of January that is over."""
    desk = Desk()
    desk.hear(*(alert(n, at=n) for n in range(10, 50)), *(alert(n, "cleared", 90) for n in range(10, 50)))
    for told, known in (
        ((), (10, 90, 40, 0)),
        ((alert(1, at=900),), (900, None, 1, 1)),
        ((alert(2, at=950), alert(1, "cleared", 990)), (900, None, 2, 1)),
        ((alert(2, "cleared", 999),), (900, 999, 2, 0)),
    ):
        said = cases.record(desk.hear(*told, alert(10, at=10)))
        assert tuple(said[name] for name in ("opened_at", "closed_at", "members", "standing")) == known


def test_what_was_taken_back_joins_its_life_no_more() -> None:
    """A span that ended is counted anew where its alert stands again, or is known otherwise."""
    desk = Desk()
    back = alert(1, "cleared", 60, attributes=["withdrawn"])
    case = desk.hear(alert(1), back, alert(2, at=55), alert(2, "cleared", 70))
    assert (case.life.since, case.life.members) == (10, 2)
    assert (desk.hear(alert(1, at=65)).life.since, case.life.members) == (55, 2)
    assert (desk.hear(alert(1, "cleared", 67)).life.since, case.life.until) == (55, 70)
    assert (desk.hear(alert(1, "cleared", 80)).life.until, case.life.members) == (80, 2)


def test_an_alert_is_cleared_where_it_was_raised() -> None:
    """By then the message has gone on, and other words say who holds it: they make no case, and leave none open."""
    desk = Desk()
    case = desk.hear(alert(1), alert(1, "cleared", 30, cause="left dest, not seen since"))
    assert (case.state, list(desk.cases)) == ("closed", [cases.case_id(alert(1))])
    desk.hear(alert(1, cause="after a crash it is told again, and the queue has been emptied"))
    assert (case.state, list(desk.cases)) == ("closed", [cases.case_id(alert(1))])


def test_acknowledged_is_not_closed() -> None:
    """A person has seen it; it stands until its members are cleared."""
    desk = Desk()
    case = cases.acknowledge(desk.hear(alert(1)), "ann", "relay is being repaired")
    assert case.state == "acknowledged"
    assert cases.record(case)["acknowledged_by"] == "ann"
    assert desk.hear(alert(1, "cleared", 30)).state == "closed"


def test_what_comes_back_nobody_has_seen() -> None:
    """Opened again, a case that was acknowledged is open; what is told twice, or comes meanwhile, changes nothing."""
    desk = Desk()
    cases.acknowledge(desk.hear(alert(1)), "ann", "relay is being repaired")
    assert desk.hear(alert(2)).state == "acknowledged"
    case = desk.hear(alert(1, "cleared", 30), alert(2, "cleared", 30), alert(1), alert(2))
    assert (case.state, case.cover.acknowledged_by) == ("closed", "ann")
    case = desk.hear(alert(3, at=50))
    assert (case.state, case.cover.acknowledged_by, case.cover.note) == ("open", "", "")


def test_different_causes_are_different_cases() -> None:
    """The rule and the cause name the case."""
    assert cases.case_id(alert(1)) == cases.case_id(alert(2))
    assert cases.case_id(alert(1)) != cases.case_id(alert(1, cause="deleted by hand on relay"))
    assert cases.case_id(alert(1)) != cases.case_id(alert(1, rule="stuck"))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(("raised", "cleared"))), min_size=1), st.randoms())
def test_order_and_repetition_change_nothing(told: list[tuple[int, str]], draw: Any) -> None:
    """Alerts told in any order, and twice, make the same case."""
    alerts = [alert(n, state, at=4 * n + (7 if state == "cleared" else 0)) for n, state in told]
    again = [*alerts, *alerts]
    draw.shuffle(again)
    one, two = Desk(), Desk()
    one.hear(*alerts)
    two.hear(*again)
    assert one.records() == two.records()
    assert {number: case.life for number, case in cases.brought_by(again).items()} == {
        number: case.life for number, case in two.cases.items()
    }


SPANS = st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(-3, 12)), min_size=1, max_size=12)


@given(SPANS, st.randoms())
def test_the_last_life_is_the_run_of_spans_that_nothing_follows(spans: list[tuple[int, int | None]], draw: Any) -> None:
    """Found by going back from the end while a span touches; in any order of alerts, and when some are forgotten."""
    case = cases.Case(b"", cases.Cover(""))
    filed = {
        bytes([n]): cases.Member(b"", at, stay if stay is None else at + stay) for n, (at, stay) in enumerate(spans)
    }
    before = [(one, cases.Member(b"", draw.randrange(50), draw.choice((None, 20, 60)))) for one in filed]
    told = [*before, *filed.items()]
    draw.shuffle(before)
    for alert_id, member in [*before, *draw.sample(told, len(told)), *filed.items()]:
        case.enter(alert_id, member)
        assert case.life is not None
    assert case.life == walked(spans)
    for alert_id in sorted(filed)[1:]:
        case.leave(alert_id)
    assert case.life == walked(spans[:1])


def walked(spans: list[tuple[int, int | None]]) -> Life:
    """The last life, span by span."""
    ends = [(NEVER if stay is None else at + max(stay, 0), at) for at, stay in spans]
    since, members = max(ends)[0], 0
    for until, at in sorted(ends, reverse=True):
        if until >= since:
            since, members = min(since, at), members + 1
    until = max(ends)[0]
    return Life(since=since, until=None if until == NEVER else until, members=members)
