"""The ordinary life of a network: what no fault brings about is played, and the same seed plays it again."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import pytest

from streams.simulate.acts import (
    FILTER,
    Attempted,
    Entered,
    Expunged,
    Moved,
    Opened,
    Order,
    Ordered,
    Receipted,
    Reported,
    Via,
)
from streams.simulate.faults import DAY, HOUR, MINUTE, wishes
from streams.simulate.habits import Habits
from streams.simulate.letters import MAIL
from streams.simulate.network import FILTERING
from streams.simulate.office import NIGHT, OFFICE, at_work, busy
from streams.simulate.promises import terms
from streams.simulate.proof import Proof
from streams.simulate.stage import BEGIN, Played, simulate

T = TypeVar("T")
OFTEN = Habits(held=0.02, requeued=0.5, large=20_000, asked=0.4, shelved=0.3)


@pytest.fixture(scope="module")
def day() -> Played:
    """A day in which people do a lot, and one host is down for some hours."""
    return simulate(3, 900, wishes=wishes(("host-down=hub-east@9:00/5h",)), habits=OFTEN)


def those(
    played: Played, kind: type[T], is_one: Callable[[T], bool] = lambda _: True
) -> list[tuple[T, tuple[int, ...]]]:
    """Acts of a kind, each with its tickets."""
    acts = zip(played.world.acts, played.marks, strict=True)
    return [(act, marks) for act, marks in acts if isinstance(act, kind) and is_one(act)]


def test_what_is_large_goes_through_the_filter_once(day: Played) -> None:
    """Under another queue id of the same host, which the hand-over names; what comes back is delivered on."""
    made = {act.queue_id: act for act, _ in those(day, Entered, lambda act: act.via is Via.FILTER)}
    handed = {act.next_id: act for act, _ in those(day, Attempted, lambda act: act.relay == FILTER)}
    assert made
    assert made.keys() == handed.keys()
    assert {act.host for act in made.values()} == FILTERING
    assert all(handed[number].queue_id == act.parent for number, act in made.items())
    assert all(act.size > OFTEN.large for act in made.values())
    assert not made.keys() & {act.queue_id for act in handed.values()}


def test_what_is_put_on_hold_is_released_and_delivered(day: Played) -> None:
    """No attempt stands between the two."""
    orders = those(day, Ordered)
    held = {act.queue_id: act.at for act, _ in orders if act.order is Order.HELD}
    freed = {act.queue_id: act.at for act, _ in orders if act.order is Order.RELEASED}
    assert held
    assert held.keys() == freed.keys()
    tries = [act for act, _ in those(day, Attempted) if act.queue_id in held]
    last = {act.queue_id: act for act, _ in orders if act.order is Order.HELD}
    assert {act.queue_id for act in tries if act.at > freed[act.queue_id]}
    assert not [act for act in tries if last[act.queue_id].at < act.at < freed[act.queue_id]]


def test_what_is_put_in_again_goes_on_under_another_queue_id(day: Played) -> None:
    """Pickup names the first of a row; whoever was owed is owed there."""
    taken = those(day, Ordered, lambda act: act.order is Order.REQUEUED)
    back = those(day, Entered, lambda act: act.via is Via.REQUEUE)
    assert taken
    assert Counter(marks for _, marks in taken) == Counter(marks for _, marks in back)
    assert {act.parent for act, _ in back} <= {act.queue_id for act, _ in taken}
    assert max(Counter(act.parent for act, _ in back).values()) > 1


def test_what_is_moved_unopened_is_opened_there_or_purged_or_neither(day: Played) -> None:
    """Soon, or when it is nearly too late; and of watched mailboxes, too."""
    moved = those(day, Moved, lambda act: not act.seen)
    lie = {(act.user, act.to_mailbox, act.to_uid) for act, _ in moved}
    opened = {(act.user, act.mailbox, act.uid) for act, _ in those(day, Opened)}
    purged = {(act.user, act.mailbox, act.uid) for act, _ in those(day, Expunged, lambda act: not act.seen)}
    assert len(lie) == len(moved)
    assert lie & opened
    assert lie & purged
    assert lie - opened - purged
    assert any(act.user.startswith("duty-") for act, _ in moved)


def test_receipts_are_asked_for_and_some_are_answered(day: Played) -> None:
    """Only who was asked answers, after opening it or throwing it away."""
    asked = {ticket for act, marks in those(day, Entered, lambda act: bool(act.receipt_to)) for ticket in marks}
    told = those(day, Receipted)
    answered = {marks[0] for _, marks in told}
    seen = {marks[0] for _, marks in (*those(day, Opened), *those(day, Expunged))}
    assert answered < asked
    assert answered & seen
    assert asked & seen - answered
    assert {act.disposition for act, _ in told} == {"displayed", "deleted"}
    assert {bool(act.trace) for act, _ in told} == {act.by_hand for act, _ in told} == {True, False}
    assert any(act.final.endswith("@ferry.example") for act, _ in told)


def test_who_is_away_has_an_alternate_recipient(day: Played) -> None:
    """In another organisation; the report comes from there and names both."""
    away = {user: to for house in day.network.organisations for user, to in house.alternates.items()}
    reports = [told for act, _ in those(day, Reported) for told in act.told if told.original in away]
    assert reports
    assert all(told.final == away[told.original] for told in reports)


def test_a_desk_that_is_not_manned_at_night_has_a_deputy(day: Played) -> None:
    """Its mail is its own by day."""
    deputies = {desk: to for house in day.network.organisations for desk, to in house.deputies.items()}
    tried = [act for act, marks in those(day, Attempted) if act.session and day.tickets[marks[0]].kind == MAIL]
    night = {act.at // HOUR % 24 for act in tried if act.orig_to in deputies and act.to == deputies[act.orig_to]}
    by_day = {act.at // HOUR % 24 for act in tried if act.to in deputies}
    assert night
    assert by_day
    assert night <= NIGHT
    assert not NIGHT & by_day


def test_a_list_is_expanded_to_its_members(day: Played) -> None:
    """One entry for all of them, each is delivered; whoever asked is told `expanded`."""
    lists = {to: members for house in day.network.organisations for to, members in house.lists.items()}
    made = those(day, Entered, lambda act: act.via is Via.FORWARD and len(act.recipients) > 1)
    assert made
    members = {tuple(one.to for one in act.recipients) for act, _ in made}
    assert members <= set(lists.values())
    expanded = [told for act, _ in those(day, Reported) for told in act.told if told.action == "expanded"]
    assert expanded
    assert all(told.final in lists for told in expanded)


def test_attempts_back_off(day: Played) -> None:
    """Five minutes, ten, twenty, forty, then at most sixty-seven."""
    tries: dict[str, set[int]] = {}
    put_off = those(day, Attempted, lambda act: act.status == "deferred" and "hub-east" in act.reply)
    for act, _ in put_off:
        tries.setdefault(act.queue_id, set()).add(act.at)
    disturbed = {act.queue_id for act, _ in those(day, Ordered)}
    gaps = [
        [(b - a) // MINUTE for a, b in pairwise(sorted(some))]
        for number, some in tries.items()
        if number not in disturbed
    ]
    waits = (5, 10, 20, 40, *[66] * 9)
    assert max(map(len, gaps)) > 3
    assert all(wait <= gap <= wait + 1 for some in gaps for gap, wait in zip(some, waits, strict=False)), gaps


def test_people_keep_office_hours(day: Played) -> None:
    """They write by day and read at work; what is urgent, and desks, know no hours."""
    sent = those(
        day, Entered, lambda act: act.via in {Via.SERVICE, Via.SASL, Via.NETWORK, Via.LOCAL} and act.sender != ""
    )
    usual = [act.at // HOUR % 24 in OFFICE for act, _ in sent if act.priority not in {2, 4}]
    urgent = [act.at // HOUR % 24 in OFFICE for act, _ in sent if act.priority in {2, 4}]
    assert sum(usual) / len(usual) > 0.7
    assert sum(urgent) / len(urgent) < 0.6
    reads = those(day, Opened)
    assert {act.at // HOUR % 24 for act, _ in reads if act.user.startswith("user")} <= {*OFFICE}
    assert {act.at // HOUR % 24 for act, _ in reads if act.user.startswith("duty")} > {0, 23}


def test_weekends_are_quiet() -> None:
    """Whoever gets mail on a Friday night reads it on Monday."""
    day = BEGIN // DAY + 4
    assert busy(day * 24 + 24 + 10) < busy(day * 24 + 10)
    friday_night = day * DAY + 22 * HOUR
    monday = (day + 3) * DAY
    read = at_work(friday_night, random.Random(1))  # noqa: S311 - a play, no secret
    assert monday + 7 * HOUR <= read <= monday + 9 * HOUR


def test_custody_finds_in_it_what_there_is_to_find(day: Played) -> None:
    """Held for too long, not answered, put in again: nothing false, nothing missing."""
    verdict = Proof(terms=terms(), partitions=2, every=120).of(day)
    assert verdict.holds, verdict


def test_a_usual_day_has_some_of_all_of_it() -> None:
    """At its small rates: each way into a queue, each order but a forgotten one, receipts of both kinds, alternates."""
    usual = simulate(1, 2000)
    houses = usual.network.organisations
    away = {to for house in houses for to in house.alternates}
    by_day = {to for house in houses for to in house.deputies}
    assert {act.via for act, _ in those(usual, Entered)} == set(Via)
    assert {act.order for act, _ in those(usual, Ordered)} == set(Order)
    assert {act.disposition for act, _ in those(usual, Receipted)} == {"displayed", "deleted"}
    changed = {act.orig_to for act, _ in those(usual, Attempted)}
    assert changed >= away
    assert changed & by_day
