"""The hour that comes twice in autumn: long queue ids say which of the two a line was written in."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collect.parser import Piece
from streams.collect.postfix import PostfixParser
from streams.core.events import MessageEvent
from streams.simulate.queueids import long_id
from tests.collect.postfix_logs import OBSERVED, parser

CHANCE = Random(1)  # noqa: S311 - the same ids in every run


def arrived(clock: str) -> str:
    """A long id of an entry that came at a time of 25 October, UTC."""
    at = datetime.fromisoformat(f"2026-10-25T{clock}.250000+00:00")
    return long_id(round(at.timestamp() * 1_000_000), CHANCE)


def journey(local: str, number: str, begin: str = "smtpd[7]: {}: client=unknown[127.0.0.1]") -> list[str]:
    """A message that comes and goes within two seconds, as Berlin's clock has them."""
    said = (
        begin.format(number),
        f"cleanup[8]: {number}: message-id=<{number}@x.test>",
        f"qmgr[9]: {number}: from=<a@origin.test>, size=1, nrcpt=1 (queue active)",
        (
            f"smtp[10]: {number}: to=<c@dest.test>, relay=192.0.2.9[192.0.2.9]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, "
            "status=sent (250 Ok)"
        ),
        f"qmgr[9]: {number}: removed",
    )
    next_second = f"{local[:-1]}{int(local[-1]) + 1}"
    times = (local, local, local, local, next_second)
    return [f"{time} origin postfix/{text}" for time, text in zip(times, said, strict=True)]


FIRST, AGAIN, LATER = arrived("00:10:00"), arrived("01:20:00"), arrived("01:20:05")


def log(head: str = "Oct 25 ") -> list[Piece]:
    """A message at 02:10, then two at 02:20, an hour and ten minutes later."""
    lines = [
        *journey(head + "02:10:00", FIRST),
        *journey(head + "02:20:00", AGAIN),
        *journey(head + "02:20:05", LATER, "pickup[3]: {}: uid=0 from=<a@origin.test>"),
    ]
    return [Piece(offset=number, raw=line.encode()) for number, line in enumerate(lines)]


def berlin() -> PostfixParser:
    """A parser of a log with Berlin's times."""
    return parser(timezone="Europe/Berlin")


def clocks(events: list[MessageEvent], number: str) -> list[str]:
    """When the events of an entry were, in whole seconds UTC."""
    found = [e for e in events if e.queue_id == number]
    return [f"{datetime.fromtimestamp(e.occurred_at // 1_000_000, UTC):%H:%M:%S}" for e in found]


@pytest.mark.parametrize("head", ["Oct 25 ", "2026-10-25T"])
def test_a_long_id_says_which_hour_it_is(head: str) -> None:
    """What follows a message of the second pass is of that pass, though no line went back before another."""
    reader = berlin()
    events = reader.parse(log(head), file="mail.log", observed_at=OBSERVED)
    assert clocks(events, FIRST) == ["00:10:00"] * 3 + ["00:10:01"]
    assert clocks(events, AGAIN) == ["01:20:00"] * 3 + ["01:20:01"]
    assert clocks(events, LATER) == ["01:20:05"] * 3 + ["01:20:06"]
    assert not reader.counts.unread
    assert reader.through == events[-1].occurred_at


@given(st.integers(0, 15))
def test_a_checkpoint_in_that_hour(cut: int) -> None:
    """Which hour it is is remembered, wherever the log was left."""
    lines, first, second = log(), berlin(), berlin()
    events = list(first.parse(lines[:cut], file="mail.log", observed_at=OBSERVED))
    second.restore(first.state())
    events += second.parse(lines[cut:], file="mail.log", observed_at=OBSERVED)
    assert events == berlin().parse(lines, file="mail.log", observed_at=OBSERVED)


def test_a_line_that_came_late_does_not_end_the_first_hour() -> None:
    """One line behind its time looks like the second pass; the next long id says that it is still the first."""
    late = [*journey("Oct 25 02:15:00", arrived("00:15:00")), "Oct 25 02:14:50 origin postfix/qmgr[9]: x"]
    then = journey("Oct 25 02:16:00", number := arrived("00:16:00"))
    lines = [Piece(offset=n, raw=line.encode()) for n, line in enumerate((*late, *then))]
    reader = berlin()
    events = list(reader.parse(lines, file="mail.log", observed_at=OBSERVED))
    assert clocks(events, number) == ["00:16:00"] * 3 + ["00:16:01"]
    assert not reader.counts.unread


@pytest.mark.parametrize("time", ["2026-10-25T02:20:00+02:00", "Oct 25 04:20:00"])
def test_a_time_that_means_one_thing(time: str) -> None:
    """A time with an offset, or of another hour, is as it stands; an id of another hour is doubted."""
    reader = berlin()
    line = f"{time} origin postfix/smtpd[7]: {AGAIN}: client=unknown[127.0.0.1]"
    reader.parse([Piece(offset=0, raw=line.encode())], file="mail.log", observed_at=OBSERVED)
    assert reader.counts.unread.total() == 1


def test_an_id_of_neither_hour() -> None:
    """In the hour that comes twice an id may still be of another day: the zone or the year is wrong."""
    reader = berlin()
    line = f"Oct 25 02:20:00 origin postfix/smtpd[7]: {arrived('05:20:00')}: client=unknown[127.0.0.1]"
    reader.parse([Piece(offset=0, raw=line.encode())], file="mail.log", observed_at=OBSERVED)
    assert reader.counts.unread.total() == 1
