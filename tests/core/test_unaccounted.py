"""Whom an entry that was put in again accounts for, and when."""

from typing import Any

from streams.core import identity
from streams.core.events import Kind, MessageEvent, Traffic
from tests.core.journeys import alarms, event, folded, submitted


def test_what_is_put_in_again_accounts_for_its_recipients_there() -> None:
    """`postsuper -r` of what no attempt has named anybody of."""
    where: dict[str, Any] = {"host": "origin", "queue_id": "A1"}
    first = event(Kind.SUBMITTED, 0, traffic=Traffic.OURS, recipients_expected=2, **where)
    assert alarms(folded([first, event(Kind.REMOVED, 9, **where)]), 20) == {("unaccounted", "origin/A1", 9, None)}
    again = event(Kind.REROUTED, 9, **where)
    assert alarms(folded([first, again]), 28) == set()
    assert alarms(folded([first, again]), 29) == {("unaccounted", "origin/A1", 29, None)}
    named = [event(Kind.SUBMITTED, 0, recipient=f"{one}@dest.test", traffic=Traffic.OURS, **where) for one in "ab"]
    assert alarms(folded([first, again], named, [taken_up(10)]), 50) == set()


def taken_up(at: float, to: str = "") -> MessageEvent:
    """Another entry of the origin goes on with what was put in again, or for one recipient with what a filter took."""
    onward: dict[str, Any] = {"next_queue_id": "A7", "next_leg": identity.leg_of("origin", "A7", to, key="m")}
    return event(Kind.REROUTED, at, host="origin", queue_id="A1", recipient=to, **onward)


REROUTED = event(Kind.REROUTED, 9, host="origin", queue_id="A1")
"""An operator puts an entry in again."""


def lost(*events: MessageEvent, expected: int = 1) -> set[tuple[object, ...]]:
    """What of a message that was put in again is unaccounted for."""
    first = submitted(0, "A1", report_requested=False, recipients_expected=expected)
    return {one for one in alarms(folded(first, [*events]), 1000) if one[0] == "unaccounted"}


def test_what_is_put_in_again_and_taken_up_by_nobody_is_unaccounted() -> None:
    """All of its recipients were named, and no pickup finds it, in time or ever; or somebody deletes it."""
    assert lost(REROUTED) == {("unaccounted", "origin/A1", 29, None)}
    assert lost(REROUTED, taken_up(28)) == set()
    assert lost(REROUTED, taken_up(50)) == {("unaccounted", "origin/A1", 29, 50)}
    deleted = event(Kind.DELETED, 60, host="origin", queue_id="A1")
    assert lost(REROUTED, deleted) == {("unaccounted", "origin/A1", 29, 60)}


def test_what_a_filter_handed_back_before_takes_up_nothing() -> None:
    """That custody passed on for one recipient says nothing of what is put in again later."""
    bob = taken_up(5, "bob@dest.test")
    assert lost(bob, REROUTED) == {("unaccounted", "origin/A1", 29, None)}
    assert lost(bob, REROUTED, taken_up(15)) == set()
    assert lost(bob) == set()


def test_it_is_unaccounted_until_it_is_both_taken_up_and_complete() -> None:
    """Fewer were named than it had, and nobody goes on with it: one finding, until neither is so."""
    eve = taken_up(70, "eve@dest.test")
    assert lost(REROUTED, taken_up(50), eve, expected=2) == {("unaccounted", "origin/A1", 29, 70)}
    assert lost(REROUTED, taken_up(50), expected=2) == {("unaccounted", "origin/A1", 29, None)}


def test_an_entry_may_say_itself_what_goes_on_with_it() -> None:
    """Another system names it at once."""
    onward: dict[str, Any] = {"next_queue_id": "A7", "next_leg": identity.leg_of("origin", "A7", key="m")}
    assert lost(event(Kind.REROUTED, 9, host="origin", queue_id="A1", **onward)) == set()
