"""Events written straight are those that the collectors give for the same evidence."""

from pathlib import Path
from typing import Any

import pytest

from streams.collect.sources import read
from streams.core.events import MessageEvent
from streams.core.facts import COLUMNS
from streams.simulate.events import events
from streams.simulate.faults import FAULTS, HOUR, USUAL, Wish
from streams.simulate.promises import terms
from streams.simulate.proof import Proof
from streams.simulate.readback import Readback
from streams.simulate.reading import Reading
from streams.simulate.stage import Played, simulate
from tests.simulate.worlds import write

WRITTEN_LATER = 1_000
"""Microseconds by which a log line of one act may come after that of another that it follows."""


@pytest.fixture(scope="module")
def played() -> Played:
    """Three hours with everything in them."""
    return simulate(6, 250, span=3 * HOUR, wishes=(*USUAL, Wish(fault=FAULTS["report-bounced"], rate=0.02)))


@pytest.fixture(scope="module")
def folder(played: Played, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their evidence."""
    path = tmp_path_factory.mktemp("evidence")
    write(played.world, path)
    return path


def _told(event: MessageEvent) -> dict[str, Any]:
    """What custody is derived from, but for what only a file knows."""
    return {name: getattr(event, name) for name in COLUMNS if name not in {"seq", "attributes", "occurred_at"}}


def test_the_collectors_give_the_same_events(played: Played, folder: Path) -> None:
    """The same facts, field by field."""
    straight = {event.event_id: event for _, some in events(Reading(played.world)) for event in some}
    readback = Readback(folder, read(folder / "sources.toml"))
    collected = {event.event_id: event for _, some in readback.batches() for event in some}
    assert straight.keys() == collected.keys()
    assert any(event.action == "undelivered" for event in collected.values())
    for number, event in collected.items():
        assert _told(straight[number]) == _told(event)
        assert 0 <= event.occurred_at - straight[number].occurred_at < WRITTEN_LATER


def test_through_the_collectors_custody_finds_the_same(played: Played, folder: Path) -> None:
    """The whole way: log lines and mails, parsers, tracker, findings."""
    proof = Proof(terms=terms(), partitions=1, every=240)
    verdict, straight = proof.of_files(played, folder), proof.of(played)
    assert [len(row.false) for row in verdict.rows.values()] == [len(row.false) for row in straight.rows.values()]
    assert [row.found for row in verdict.rows.values()] == [row.found for row in straight.rows.values()]
