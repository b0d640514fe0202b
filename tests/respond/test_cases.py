"""Cases: one cause, with what it holds up."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.respond import cases


def alert(number: int, state: str = "raised", at: int = 10, **fields: Any) -> dict[str, Any]:
    """A record of the alerts topic."""
    return {
        "alert_id": bytes([number]) * 16,
        "rule": "overdue",
        "cause": "on hold on relay",
        "state": state,
        "at": at,
        "severity": "high",
        "message_key": f"m{number}",
    } | fields


def folded(alerts: list[dict[str, Any]]) -> cases.Case:
    """The case after some alerts of one cause."""
    return folded_on(cases.take(None, alerts[0]), *alerts[1:])


def folded_on(case: cases.Case, *alerts: dict[str, Any]) -> cases.Case:
    """The case after more of them."""
    for one in alerts:
        case = cases.take(case, one)
    return case


def test_an_outage_is_one_case() -> None:
    """Ten thousand alerts of one cause are members of one case, which shows a few."""
    case = folded([alert(n % 256, at=20 - n % 7) for n in range(1000)])
    assert (case.state, len(case.raised), case.opened_at) == ("open", 256, 14)
    assert len(case.sample) == cases.SAMPLE


def test_a_case_is_closed_when_all_are_cleared_and_opened_again() -> None:
    """Closed at the last clearing; a late member opens it again."""
    case = folded([alert(1), alert(2), alert(1, "cleared", 30)])
    assert (case.state, case.standing, case.closed_at) == ("open", 1, None)
    case = cases.take(case, alert(2, "cleared", 40))
    assert (case.state, case.standing, case.closed_at) == ("closed", 0, 40)
    case = cases.take(case, alert(3, at=50))
    assert (case.state, case.closed_at) == ("open", None)


def test_acknowledged_is_not_closed() -> None:
    """A person has seen it; it stands until its members are cleared."""
    case = cases.acknowledge(folded([alert(1)]), "ann", "relay is being repaired")
    assert case.state == "acknowledged"
    assert cases.record(case)["acknowledged_by"] == "ann"
    assert cases.take(case, alert(1, "cleared", 30)).state == "closed"


def test_what_comes_back_nobody_has_seen() -> None:
    """Opened again, a case that was acknowledged is open; what is told twice, or comes meanwhile, changes nothing."""
    case = cases.acknowledge(folded([alert(1)]), "ann", "relay is being repaired")
    assert cases.take(case, alert(2)).state == "acknowledged"
    case = folded_on(case, alert(1, "cleared", 30), alert(2, "cleared", 30), alert(1), alert(2))
    assert (case.state, case.acknowledged_by) == ("closed", "ann")
    case = cases.take(case, alert(3, at=50))
    assert (case.state, case.acknowledged_by, case.note) == ("open", "", "")


def test_different_causes_are_different_cases() -> None:
    """The rule and the cause name the case."""
    assert cases.case_id(alert(1)) == cases.case_id(alert(2))
    assert cases.case_id(alert(1)) != cases.case_id(alert(1, cause="deleted by hand on relay"))
    assert cases.case_id(alert(1)) != cases.case_id(alert(1, rule="stuck"))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(("raised", "cleared"))), min_size=1), st.randoms())
def test_order_and_repetition_change_nothing(told: list[tuple[int, str]], draw: Any) -> None:
    """Alerts told in any order, and twice, make the same case."""
    alerts = [alert(n, state, at=n + (10 if state == "cleared" else 0)) for n, state in told]
    again = [*alerts, *alerts]
    draw.shuffle(again)
    one, two = (cases.record(folded(some)) | {"sample": None, "opened_at": None} for some in (alerts, again))
    assert one == two
