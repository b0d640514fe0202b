"""A part of a log that is read again tells nothing that was not told: no other message comes of it."""

import lzma
from pathlib import Path

import pytest

from streams.collect.declaration import Declaration, Host, Source
from streams.collect.parser import Piece
from streams.collect.postfix import PostfixParser
from streams.collect.sources import read
from streams.core.events import MessageEvent

DAY = Path(__file__).parents[1] / "data" / "day"
LATER = 2 * 10**15

Fact = tuple[bytes, str, bytes]


def pieces_of(lines: list[bytes]) -> list[Piece]:
    """Lines with their places."""
    pieces, offset = [], 0
    for line in lines:
        pieces.append(Piece(offset=offset, raw=line))
        offset += len(line) + 1
    return pieces


def told(events: list[MessageEvent]) -> set[Fact]:
    """Facts, and what messages and stays they are about."""
    return {(event.event_id, event.message_key, event.leg) for event in events}


@pytest.mark.parametrize("name", ["origin-log", "relay-log", "dest-log"])
def test_any_part_of_a_real_log_may_be_read_again(name: str) -> None:
    """Wherever it is cut: what is in the middle of its life there was told whole."""
    declared = read(DAY / "sources.toml")
    (source,) = [one for one in declared.sources if one.name == name]
    pieces = pieces_of(lzma.decompress(Path(source.paths[0]).read_bytes()).split(b"\n")[:-1])
    parser = PostfixParser(source, declared)
    whole = told(parser.parse(pieces, file="log", observed_at=LATER))
    state = parser.state()
    for start in range(90, len(pieces), len(pieces) // 25):
        parser.restore(state)
        again = parser.parse(pieces[start : start + 700], file=f"copy from {start}", observed_at=LATER)
        assert told(again) <= whole
    assert parser.counts.pieces > len(pieces)


SOURCE = Source(name="log", kind="postfix", host="mx")
DECLARED = Declaration(hosts=(Host(name="mx"),))
OLD = "4jYLkH1vd0z1TCSN"
"""Arrived 2026-11-23 at 22:50:15."""


def line(clock: str, text: str) -> bytes:
    """A line of the host."""
    return f"2026-11-23T{clock}+00:00 mx postfix/{text}".encode()


BEGIN = line("22:40:00.000000", "smtpd[1]: connect from unknown[192.0.2.1]")
DEFERRED = line("22:51:00.000000", f"smtp[1]: {OLD}: to=<a@b.c>, relay=none, delay=45, dsn=4.4.1, status=deferred (no)")
LIFE = [
    line("22:50:15.000000", f"smtpd[1]: {OLD}: client=unknown[192.0.2.1]"),
    line("22:50:15.100000", f"cleanup[1]: {OLD}: message-id=<m@b.c>"),
    line("22:50:15.200000", f"qmgr[1]: {OLD}: from=<x@y.z>, size=1, nrcpt=1 (queue active)"),
    DEFERRED,
]
END = line("22:52:00.000000", f"qmgr[1]: {OLD}: removed")
AFTER = line("23:30:00.000000", "smtpd[1]: connect from unknown[192.0.2.1]")


def parsed(*files: list[bytes]) -> list[list[MessageEvent]]:
    """What comes of each file, read by one parser one after the other."""
    parser = PostfixParser(SOURCE, DECLARED)
    return [parser.parse(pieces_of(lines), file=str(number), observed_at=LATER) for number, lines in enumerate(files)]


def test_an_attempt_read_again_after_its_entry_left_makes_no_message() -> None:
    """Else it would stand in a queue for ever, and be found stuck."""
    _, again = parsed([BEGIN, *LIFE, END, AFTER], [line("22:50:30.000000", "qmgr[1]: x"), DEFERRED])
    assert again == []


def test_what_was_told_before_is_counted() -> None:
    """Lines that are passed over, because they were told before, show among those that carry nothing."""
    parser = PostfixParser(SOURCE, DECLARED)
    parser.parse(pieces_of([BEGIN, *LIFE, END, AFTER]), file="0", observed_at=LATER)
    assert "told before" not in parser.counts.ignored
    parser.parse(pieces_of([line("22:50:30.000000", "qmgr[1]: x"), DEFERRED, END]), file="1", observed_at=LATER)
    assert parser.counts.ignored["told before"] == 2
    parser.parse(pieces_of([line("23:40:00.000000", "anvil[1]: x")]), file="2", observed_at=LATER)
    assert parser.counts.ignored == {"smtpd": 2, "qmgr": 1, "told before": 2, "anvil": 1}


def test_what_is_late_is_no_copy() -> None:
    """The hour between two parts comes last: what began before it and is still in the queue is told."""
    late = [line("22:50:30.000000", "qmgr[1]: x"), DEFERRED]
    _, told_late = parsed([BEGIN, *LIFE[:3], AFTER], late)
    assert [(event.kind, event.message_key) for event in told_late[-1:]] == [("deferred", "m@b.c")]


def test_a_part_that_comes_late_is_read_whole() -> None:
    """What begins in it is new, whatever was read after."""
    _, told_late = parsed([BEGIN, AFTER], [*LIFE, END])
    assert {event.message_key for event in told_late} == {"m@b.c"}
    assert [event.kind for event in told_late[-2:]] == ["deferred", "removed"]


def test_a_log_of_another_host_is_no_copy() -> None:
    """In a source of many hosts, the second file may be of the same hours."""
    parser = PostfixParser(Source(name="logs", kind="postfix"), DECLARED)
    parser.parse(pieces_of([BEGIN, AFTER]), file="1", observed_at=LATER)
    other = [raw.replace(b" mx ", b" mx2 ") for raw in (DEFERRED, END)]
    assert [event.kind for event in parser.parse(pieces_of(other), file="2", observed_at=LATER)][-1] == "removed"


@pytest.mark.parametrize("words", [b" 192.0.2.1 mx ", b" mx mail.info ", b" dock web[9]: {} mx "])
def test_a_host_that_does_not_stand_alone(words: bytes) -> None:
    """What was told is known by the same host as it was told of, behind a relay or within a container's line."""
    parser = PostfixParser(Source(name="logs", kind="postfix"), DECLARED)

    def parsed_of(*lines: bytes) -> list[MessageEvent]:
        dressed = [raw.replace(b" mx ", words.replace(b"{}", raw[: raw.index(b" ")])) for raw in lines]
        return parser.parse(pieces_of(dressed), file=f"of {len(lines)}", observed_at=LATER)

    assert parsed_of(BEGIN, *LIFE, END, AFTER)
    assert parsed_of(line("22:50:30.000000", "qmgr[1]: x"), DEFERRED) == []
    assert parser.counts.ignored["told before"] == 1
