"""A replay of the sample day that is shared among processes."""

import os

import pytest

from streams.kafka.broker import KafkaLog
from streams.kafka.terms import terms_of
from streams.settings import Settings
from streams.track import shares
from streams.track.replay import Replay
from streams.track.shares import replayed

pytestmark = pytest.mark.service


def test_a_replay_in_processes_is_that_in_one(day: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has some of the partitions."""
    log = KafkaLog(day)
    whole = Replay(terms=terms_of(log)[1])
    whole.run(log)
    monkeypatch.setattr(shares, "WORTH", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    found = replayed(log, whole.terms)
    assert (found.alerts, found.events, found.clock) == (whole.alerts, whole.events, whole.clock)
    assert (found.parts, found.bad) == ({}, 0)
