"""A replay that is shared among processes finds what one in this process does."""

import os
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.errors import Unavailable
from streams.core.identity import partition_of
from streams.core.terms import SECOND, Terms
from streams.kafka.ports import Log
from streams.settings import Settings
from streams.track import shares, ticks
from streams.track.replay import Replay
from streams.track.shares import replayed, shared
from streams.wire import envelope
from tests.core.journeys import TERMS, journey, submitted
from tests.kafka.memory import MemoryLog
from tests.track.logs import tick


@given(held=st.dictionaries(st.integers(0, 30), st.integers(0, 10**9)), count=st.integers(0, 64))
def test_every_partition_is_in_one_share(held: dict[int, int], count: int) -> None:
    """And no share is empty."""
    made = shared(held, count)
    assert sorted(number for share in made for number in share) == sorted(held)
    assert len(made) <= max(1, count)
    assert all(made)


def test_what_parts_of_a_log_tell_is_what_the_whole_tells() -> None:
    """Alarms, counts and the clock; terms and what was found go from one process to another."""
    log = _lived()
    whole, together = Replay(terms=Terms.parse(TERMS)), Replay(terms=Terms.parse(TERMS))
    whole.run(log)
    for number, end in log.end_offsets("message-events").items():
        part = pickle.loads(pickle.dumps(Replay(terms=Terms.parse(TERMS))))  # noqa: S301 - our own
        part.run(log, {number: end})
        together.add(pickle.loads(pickle.dumps(replace(part, parts={}))))  # noqa: S301
    assert whole.alerts
    assert (together.alerts, together.events, together.clock) == (whole.alerts, whole.events, whole.clock)
    assert (together.terms.version, together.untold, together.begins) == (whole.terms.version, set(), None)


def test_a_short_log_is_replayed_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process would take longer to start."""
    monkeypatch.setattr(shares, "ProcessPoolExecutor", None)
    assert replayed(_lived(), Terms.parse(TERMS)).alerts


def test_a_process_that_is_killed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel does where memory is short."""
    monkeypatch.setattr(shares, "WORTH", 1)
    monkeypatch.setattr(shares, "_share", killed)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with pytest.raises(Unavailable, match="was killed"):
        replayed(_lived(), Terms.parse(TERMS))


def killed(*_: object) -> None:
    """End at once."""
    os._exit(9)


def _lived() -> Log:
    log = MemoryLog(Settings(partitions=3))
    writer = log.writer()
    for number in range(12):
        key = f"m{number}@origin.test"
        for event in (*journey(number, f"{number}", key=key), *submitted(number, f"late{number}", key=f"late.{key}")):
            partition = partition_of(event.message_key, 3)
            writer.write("message-events", event.message_key.encode(), envelope.encode(event), partition)
    for number in range(3):
        writer.write("message-events", ticks.TICK, envelope.encode(tick(500 * SECOND)), number)
    writer.flush()
    return log
