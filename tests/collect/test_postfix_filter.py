"""A filter that mail is piped to, and that gives it back through the sendmail command."""

from dataclasses import replace
from pathlib import Path

import pytest

from streams import profiles
from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.look import look
from streams.collect.postfix import PostfixParser
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import leg_of
from tests.collect.postfix_logs import ACTIVE, CLIENT, NAMED, OBSERVED, Q1, Q2, Q3, arrivals, of, pieces

HOST = Host(name="mx", filters=frozenset({"spamassassin"}))
DECLARED = Declaration(hosts=(HOST,), submission_points=(SubmissionPoint(host="mx"),))
UNDECLARED = replace(DECLARED, hosts=(replace(HOST, filters=frozenset()),))

GIVEN = (f"{CLIENT}, sasl_method=PLAIN, sasl_username=alice", NAMED, ACTIVE.replace("nrcpt=1", "nrcpt=2"))
REMOVED = f"postfix/qmgr[9]: {Q1}: removed"


def piped(to: str, relay: str = "spamassassin") -> str:
    """A recipient is handed to the filter."""
    return (
        f"postfix/pipe[10]: {Q1}: to=<{to}>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, "
        f"status=sent (delivered via {relay} service)"
    )


def given_back(number: str, to: str) -> tuple[str, ...]:
    """The filter gives it back, and it goes on."""
    return (
        f"postfix/pickup[3]: {number}: uid=5001 from=<alice@origin.test>",
        NAMED.replace(Q1, number),
        ACTIVE.replace(Q1, number),
        (
            f"postfix/smtp[4]: {number}: to=<{to}>, relay=mx.dest.test[192.0.2.7]:25, delay=1, delays=0/0/0/1, "
            "dsn=2.0.0, status=sent (250 Ok: queued as 77)"
        ),
        f"postfix/qmgr[9]: {number}: removed",
    )


C, D = "c@dest.test", "d@dest.test"
LOGS = {
    "the filter ends first": (*GIVEN, piped(C), piped(D), REMOVED, *given_back(Q2, C), *given_back(Q3, D)),
    "it is back before": (*GIVEN, *given_back(Q2, C), piped(C), *given_back(Q3, D), piped(D), REMOVED),
}


def log_of(lines: tuple[str, ...]) -> bytes:
    """A log of one second."""
    return "".join(f"Nov 23 22:52:25 mx {line}\n" for line in lines).encode()


def told(declaration: Declaration, *lines: str) -> list[MessageEvent]:
    """The events of some lines."""
    reader = PostfixParser(Source(name="mx-log", kind="postfix", year=2026), declaration)
    return list(reader.parse(pieces(log_of(lines)), file="mail.log", observed_at=OBSERVED))


@pytest.mark.parametrize("order", LOGS)
def test_a_declared_filter_delivers_nothing(order: str) -> None:
    """It is handed the message, and what it gives back continues the entry that it was given, for each recipient."""
    events = told(DECLARED, *LOGS[order])
    assert not of(events, Kind.DELIVERED)
    handed = [e for e in events if e.side == "sent" and e.queue_id == Q1]
    assert {(e.recipient, e.peer, e.next_leg) for e in handed} == {(C, "mx", None), (D, "mx", None)}
    edges = {(e.leg, e.next_leg) for e in of(events, Kind.REROUTED)}
    assert edges == {
        (leg_of("mx", Q1, to, key="m@x.test"), leg_of("mx", number, to, key="m@x.test"))
        for number, to in ((Q2, C), (Q3, D))
    }
    assert [e.queue_id for e in of(events, Kind.SUBMITTED) if not e.recipient] == [Q1]
    assert {e.traffic for to in (C, D) for e in arrivals(events, to) if e.queue_id != Q1} == {Traffic.TRANSIT}


def test_an_undeclared_one_is_taken_at_its_word() -> None:
    """Nothing tells a filter from a program that keeps the mail: it delivers, and `sendmail` begins another message."""
    events = told(UNDECLARED, *LOGS["the filter ends first"])
    assert [e.recipient for e in of(events, Kind.DELIVERED)] == [C, D]
    assert [e.queue_id for e in of(events, Kind.SUBMITTED) if not e.recipient] == [Q1, Q2, Q3]


def test_other_pipes_and_other_messages() -> None:
    """Another transport of the host still delivers, and what `sendmail` brings in by itself begins here."""
    other = tuple(line.replace("m@x.test", "other@x.test") for line in given_back(Q2, C))
    events = told(DECLARED, *GIVEN, piped(C, "cyrus"), *other)
    assert [e.recipient for e in of(events, Kind.DELIVERED)] == [C]
    assert [e.queue_id for e in of(events, Kind.SUBMITTED) if not e.recipient] == [Q1, Q2]


def test_a_checkpoint_between_the_two() -> None:
    """What was given to a filter is remembered."""
    lines = pieces(log_of(LOGS["the filter ends first"]))
    source = Source(name="mx-log", kind="postfix", year=2026)
    first, second = PostfixParser(source, DECLARED), PostfixParser(source, DECLARED)
    events = list(first.parse(lines[:6], file="mail.log", observed_at=OBSERVED))
    second.restore(first.state())
    events += second.parse(lines[6:], file="mail.log", observed_at=OBSERVED)
    assert events == told(DECLARED, *LOGS["the filter ends first"])


def test_it_is_forgotten_with_its_entry() -> None:
    """A day later the same Message-ID through `sendmail` is another submission, and no memory is kept."""
    reader = PostfixParser(Source(name="mx-log", kind="postfix", year=2026), DECLARED)
    later = log_of((NAMED.replace(Q1, Q3).replace("m@x.test", "other@x.test"),)).replace(b"Nov 23", b"Nov 24")
    log = log_of(LOGS["the filter ends first"]) + later
    reader.parse(pieces(log), file="mail.log", observed_at=OBSERVED)
    assert b"other@x.test" in reader.state()
    assert b"m@x.test" not in reader.state()


@pytest.mark.parametrize("order", LOGS)
def test_custody_of_what_was_filtered(order: str, tmp_path: Path) -> None:
    """Nothing is found, and one message with two recipients is ours."""
    log = tmp_path / "mail.log"
    log.write_bytes(log_of(LOGS[order]))
    source = Source(name="mx-log", kind="postfix", year=2026, paths=(str(log),))
    seen = look(replace(DECLARED, sources=(source,)), profiles.load("watch"))
    assert seen.found == []
    assert seen.traffic == {"ours": 2, "transit": 2}
    assert seen.states == {"not-asked": 2}
