"""What happened, and by whose clock."""

import msgspec

from streams.collect.declaration import Declaration
from streams.simulate.acts import Act, Left, Reported
from streams.simulate.world import REPORTS, Skew, World

MINUTE = 60_000_000


def world(*skews: Skew) -> World:
    """A world in which nothing happened."""
    return World(seed=1, since=0, until=60 * MINUTE, declaration=Declaration(), acts=(), skews=skews)


def test_a_slow_clock_writes_earlier_times() -> None:
    """A host's clock is wrong only while it is."""
    slow = world(Skew(host="relay", since=MINUTE, until=2 * MINUTE, by=-10))
    assert slow.written_at("relay", MINUTE) == MINUTE - 10
    assert slow.written_at("relay", 2 * MINUTE) == 2 * MINUTE
    assert slow.written_at("origin", MINUTE) == MINUTE


def test_evidence_stands_in_its_hosts_log() -> None:
    """A report is evidence of the mailbox that it came to."""
    report = Reported(
        at=1, host="origin", queue_id="A", report_id="<r@x>", by="dest", by_queue_id="B", by_arrived=0,
        message_id="<m@x>", sender="a@x", trace=(), told=(),
    )  # fmt: skip
    assert world().source_of(report) == REPORTS
    assert world().source_of(Left(at=1, host="origin", queue_id="A")) == "origin-log"


def test_acts_are_told_apart_when_read_back() -> None:
    """Every kind of act has a tag of its own."""
    act = Left(at=1, host="origin", queue_id="A")
    assert msgspec.json.decode(msgspec.json.encode(act), type=Act) == act
