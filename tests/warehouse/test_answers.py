"""The state of each unit's report by SQL is the stream's, and stands where the finding stands."""

from typing import Any

import pytest

from streams.core.events import Kind, MessageEvent
from streams.core.terms import Terms
from streams.settings import Settings
from tests.core.journeys import TERMS, event, journey, reported, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

pytestmark = pytest.mark.service


def given(state: str, *what: MessageEvent, name: str = "", at: float = 0, **fields: Any) -> list[MessageEvent]:
    """A submission whose report must be in a state at the clock, and what followed; its key says which."""
    key = f"{state} {name}"
    return [*submitted(at, f"A{name}", key=key, **fields), *what]


def happened(kind: Kind, at: float, key: str, **fields: Any) -> MessageEvent:
    """Something happened to bob's message at the origin."""
    queue_id = f"A{key.partition(' ')[2]}"
    return event(kind, at, key=key, host="origin", queue_id=queue_id, recipient="bob@dest.test", **fields)


def handed(key: str) -> MessageEvent:
    """It was handed to a party that does not report."""
    return happened(Kind.TRANSFERRED, 1, key, side="sent", peer="mute", action="relayed")


SIX = [
    *journey(0, "1", key="received 1"),
    *given("received", *reported(6, ("origin", "Afirst"), key="received first"),
           *reported(7, ("origin", "Afirst"), "relayed", key="received first"), name="first"),
    *given("received", *reported(6, ("origin", "Aasked"), "failed", key="received asked"), name="asked",
           report_requested=False),
    *given("received", happened(Kind.DISCHARGED, 150, "received hand"), name="hand"),
    *given("not-asked", report_requested=False),
    *given("not-asked", handed("not-asked mute"), name="mute", report_requested=False),
    *given("beyond-sight", handed("beyond-sight handed"), name="handed"),
    *given("beyond-sight", *reported(6, ("", ""), "relayed", key="beyond-sight told"), name="told"),
    *given("expected", at=135.000001),
    *given("expected", happened(Kind.REPORTED, 140, "expected delayed", action="delayed"), name="delayed", at=139),
    *given("overdue", at=135, name="now"),
    *given("overdue"),
    *given("blind", at=30),
]  # fmt: skip
"""For each state what has it at 200, where a source was silent from 65 to 90, due is 60 after, and the grace is 5."""


def states(both: Ledger) -> dict[str, str]:
    """By message, the states that SQL has; the stream has the same, unit by unit."""
    rows = both.ask("SELECT unit, message_key, report_state FROM custody")
    assert {row["unit"]: row["report_state"] for row in rows} == both.report_states()
    return {row["message_key"]: row["report_state"] for row in rows}


def test_each_state_of_a_report_in_sql_is_the_cores(stack: Settings) -> None:
    """All six, at their boundaries; late while the finding stands."""
    both = Ledger.made(stack, Terms.parse(TERMS | {"grace": 5}))
    both.write(SIX)
    both.tick(65)
    both.tick(75, silent=("dest",))
    both.tick(90)
    both.tick(200)
    both.derive()
    found = states(both)
    assert found == {key: key.partition(" ")[0] for key in found}
    assert set(found.values()) == {"received", "not-asked", "beyond-sight", "expected", "blind", "overdue"}
    assert_agree(both)
    late = both.ask("SELECT rule, message_key FROM alarms WHERE rule IN ('overdue', 'blind') AND cleared_at IS NULL")
    assert {row["message_key"]: row["rule"] for row in late} == {
        key: state for key, state in found.items() if state in {"overdue", "blind"}
    }


def test_a_report_that_is_read_late_is_received_once_the_clock_says_so(stack: Settings) -> None:
    """What comes after a tick was not known at it, whenever it happened."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(submitted(0, "A1"))
    both.tick(200)
    both.write(reported(10, ("origin", "A1")))
    both.derive()
    assert states(both) == {"m": "overdue"}
    both.tick(201)
    both.derive()
    assert states(both) == {"m": "received"}
