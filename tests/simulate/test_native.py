"""Whatever goes wrong in a network, its logs and mails tell the collectors what its acts are: nothing else is found."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from streams.collect.sources import read
from streams.core.clock import Clock, Tick
from streams.core.custody import Custody
from streams.core.events import MessageEvent
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.simulate.events import events
from streams.simulate.faults import HOUR, wishes
from streams.simulate.habits import Habits
from streams.simulate.promises import terms
from streams.simulate.readback import Readback
from streams.simulate.reading import Beat, Reading
from streams.simulate.stage import simulate
from tests.simulate.worlds import write

Alarm = tuple[str, tuple[str, ...], int, int]
"""Rule, whom it is about, raised, cleared."""

OFTEN = {
    "id-missing": 0.1, "id-invented": 0.1, "id-repeated": 0.1, "id-reused": 0.05, "duplicate": 0.05, "loop": 0.02,
    "misrouted": 0.03, "diverted": 0.03, "dropped": 0.03, "report-forged": 0.03, "report-lost": 0.03, "deleted": 0.03,
    "report-uncollected": 0.03, "report-late": 0.02, "lost-inside": 0.03, "absent": 0.03,
    "log-twice": 16, "clock-skew": 8, "log-late": 8, "disk-lost": 6, "collector-down": 8, "host-down": 6, "net-cut": 6,
}  # fmt: skip
"""Shares of messages, and how often a day: far more than in any network."""

LIVELY = Habits(held=0.03, requeued=0.5, large=12_000, asked=0.4, shelved=0.3)

_OWN = ("kind", "host", "queue_id", "recipient", "occurred_at", "leg", "next_leg", "message_key", "traffic", "priority",
        "report_requested", "action", "status", "peer", "next_queue_id", "side", "subject_key", "originator",
        "recipients_expected")  # fmt: skip


def said(told: Iterable[MessageEvent]) -> set[tuple[Any, ...]]:
    """What was said, whatever file said it."""
    return {tuple(getattr(event, name) for name in _OWN) for event in told}


def found(reading: Reading, batches: Iterable[tuple[int, Sequence[MessageEvent]]], rank: int) -> set[Alarm]:
    """All findings at the end; `rank` 0 where a batch holds all that there was by the tick of its time."""
    custody, clock = Custody(terms=terms()), Clock()
    told: list[tuple[int, int, Sequence[MessageEvent] | Beat]] = [(at, 2 * rank, batch) for at, batch in batches]
    told += [(beat.at, 1, beat) for beat in reading.beats]
    for _, together in groupby(sorted(told, key=lambda one: one[:2]), lambda one: isinstance(one[2], Beat)):
        for one in _joined([one for _, _, one in together]):
            if isinstance(one, Beat):
                clock.hear(Tick(through=one.through, silent=one.silent))
            else:
                custody.fold(facts(frame_of(one), clock.through))
    return set(_alarms(custody, clock))


def _joined(together: list[Sequence[MessageEvent] | Beat]) -> list[list[MessageEvent] | Beat]:
    """Batches between two ticks are one."""
    beats: list[list[MessageEvent] | Beat] = [one for one in together if isinstance(one, Beat)]
    return beats or [[event for one in together if not isinstance(one, Beat) for event in one]]


def _alarms(custody: Custody, clock: Clock) -> Iterator[Alarm]:
    for one in findings(custody, clock):
        table = custody.legs if one.subject == "leg" else custody.entries
        for row, raised, cleared in zip(one.rows.tolist(), one.raised.tolist(), one.cleared.tolist(), strict=True):
            yield one.rule, custody.names.get(int(table["name"][row])), raised, cleared


@pytest.mark.parametrize("seed", [12, 17, 2])
def test_evidence_tells_what_acts_tell(seed: int, tmp_path: Path) -> None:
    """Fact by fact, alarm by alarm: six hours of a network in which nearly everything goes wrong."""
    plan = wishes(tuple(f"{fault}={rate}" for fault, rate in OFTEN.items()))
    world = simulate(seed, 120, span=6 * HOUR, wishes=plan, habits=LIVELY).world
    write(world, tmp_path)
    played = Readback(tmp_path, read(tmp_path / "sources.toml"))
    reading = Reading(world)
    native = list(played.batches())
    assert not any(counts.unread for counts in played.counts.values())
    straight = list(events(reading))
    assert said(e for _, some in native for e in some) == said(e for _, some in straight for e in some)
    alarms = found(reading, native, 0)
    assert alarms == found(reading, straight, 1)
    assert len(alarms) > 20
