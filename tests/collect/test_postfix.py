"""The Postfix parser as a whole: checkpoints, foreign bytes, bounded memory, one fact by several paths."""

from collections import Counter
from datetime import datetime
from itertools import islice, product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collect.parser import Piece
from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent
from tests.collect.postfix_logs import (
    ACTIVE,
    CLIENT,
    HEAD,
    NAMED,
    OBSERVED,
    Q1,
    case,
    day,
    log_of,
    parser,
    pieces,
    read,
    told,
)

RELAY = pieces(day("relay"))[:1500]
TRAPS = {
    host: [
        piece
        for name in ("alias_forward", "message_id_oddities", "journey_multi_recipient", "local_submission")
        for piece in pieces(case(name, host))
    ]
    for host in ("origin", "dest")
}
REAL = [piece.raw for piece in (*RELAY[:300], *TRAPS["origin"], *TRAPS["dest"])]


def split(host: str, log: list[Piece], cuts: list[int]) -> list[MessageEvent]:
    """The events of a log that is read in parts, each by a new parser that takes up the checkpoint of the last."""
    events: list[MessageEvent] = []
    state, start = None, 0
    for end in (*sorted(cuts), len(log)):
        reader = parser(host)
        if state is not None:
            reader.restore(state)
        events += reader.parse(log[start:end], file="mail.log", observed_at=OBSERVED)
        state, start = reader.state(), end
    return events


@given(st.lists(st.integers(0, len(RELAY)), max_size=4))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    """A checkpoint at any line boundary goes on as if never stopped: the relay's content filter."""
    whole = parser("relay").parse(RELAY, file="mail.log", observed_at=OBSERVED)
    assert split("relay", RELAY, cuts) == whole


@pytest.mark.parametrize("host", ["origin", "dest"])
def test_a_checkpoint_after_every_line(host: str) -> None:
    """The same where recipients come early, are rewritten, forwarded and notified of: one line at a time."""
    log = TRAPS[host]
    whole = parser(host).parse(log, file="mail.log", observed_at=OBSERVED)
    assert split(host, log, list(range(len(log)))) == whole


def test_batches_do_not_matter() -> None:
    """How many lines are given at a time changes nothing."""
    reader = parser("relay")
    events = [e for piece in RELAY for e in reader.parse([piece], file="mail.log", observed_at=OBSERVED)]
    assert events == parser("relay").parse(RELAY, file="mail.log", observed_at=OBSERVED)


def test_one_fact_by_two_paths() -> None:
    """The same line from a file, an RFC 3339 or RFC 5424 log and the journal is one fact."""
    texts = [line.decode() for line in case("alias_forward", "dest").split(b"\n") if line]

    def forms(text: str, micros: int) -> list[bytes]:
        head, _, said = text[16:].partition(": ")
        host, _, tag = head.partition(" ")
        program, _, pid = tag.rstrip("]").partition("[")
        time = f"2026-11-{text[4:6]}T{text[7:15]}"
        at = micros + 1_000_000 * round(datetime.fromisoformat(time + "Z").timestamp())
        journal = {
            "__REALTIME_TIMESTAMP": str(at),
            "_HOSTNAME": host,
            "SYSLOG_IDENTIFIER": program,
            "_PID": pid,
            "MESSAGE": said,
        }
        return [
            text.encode(),
            f"{time}.{micros:06}+00:00 {text[16:]}".encode(),
            f"<22>1 {time}.{micros:06}Z {host} {program} {pid} - - {said}".encode(),
            msgspec.json.encode(journal),
        ]

    logs = zip(*(forms(text, number * 999) for number, text in enumerate(texts)), strict=True)
    first, *others = [{e.event_id for e in read("dest", b"\n".join(log))} for log in logs]
    assert len(first) > 40
    assert all(other == first for other in others)


def test_one_fact_that_the_journal_received_a_second_later() -> None:
    """A file tells the second in which a line was said, and so does the journal, though it received it in the next."""
    said = f"{Q1}: message-id=<m@x.test>", f"{Q1}: from=<alice@origin.test>, size=1, nrcpt=1 (queue active)"
    at = datetime.fromisoformat("2026-11-23T10:00:16.999900Z")
    micros = round(at.timestamp()) * 1_000_000 - 100
    records = [
        {
            "__REALTIME_TIMESTAMP": str(micros + 200),
            "_SOURCE_REALTIME_TIMESTAMP": str(micros),
            "_HOSTNAME": "origin",
            "SYSLOG_IDENTIFIER": f"postfix/{program}",
            "MESSAGE": text,
        }
        for program, text in zip(("cleanup", "qmgr", "qmgr"), (*said, f"{Q1}: removed"), strict=True)
    ]
    lines = [f"Nov 23 10:00:16 origin {one['SYSLOG_IDENTIFIER']}: {one['MESSAGE']}".encode() for one in records]
    filed, journal = read("origin", b"\n".join(lines)), read("origin", b"\n".join(map(msgspec.json.encode, records)))
    assert len(filed) == 2
    assert [e.event_id for e in filed] == [e.event_id for e in journal]


@given(st.lists(st.binary(max_size=200)))
def test_any_bytes(lines: list[bytes]) -> None:
    """Foreign bytes never raise, and every line is counted."""
    reader = parser()
    reader.parse([Piece(offset=n, raw=raw) for n, raw in enumerate(lines)], file="x", observed_at=OBSERVED)
    assert reader.counts.pieces == len(lines) == reader.counts.unread.total() + reader.counts.ignored.total()


@given(
    st.lists(
        st.tuples(st.sampled_from(REAL), st.integers(0, 300), st.integers(0, 30), st.binary(max_size=30)), max_size=60
    )
)
def test_damaged_lines(changes: list[tuple[bytes, int, int, bytes]]) -> None:
    """Real lines in any order, cut and overwritten anywhere, never raise; their events can be written and kept."""
    lines = [raw[:at] + new + raw[at + gone :] for raw, at, gone, new in changes]
    reader = parser("dest")
    events = reader.parse([Piece(offset=n, raw=raw) for n, raw in enumerate(lines)], file="x", observed_at=OBSERVED)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(events), type=list[MessageEvent]) == events
    assert all(len(e.leg) == 16 and e.message_key and "\0" not in e.recipient for e in events)
    parser("dest").restore(reader.state())


@pytest.mark.parametrize(("timezone", "doubts"), [("UTC", 0), ("Europe/Berlin", 2), ("Asia/Kolkata", 2)])
def test_a_zone_that_cannot_be(timezone: str, doubts: int) -> None:
    """A long queue id tells its time: lines that open one hours apart from it are of another zone or year."""
    reader = parser(timezone=timezone)
    local = f"postfix/pickup[3]: {Q1}: uid=1000 from=<a@x.test>"
    reader.parse(pieces(log_of("origin", *HEAD, local)), file="f", observed_at=OBSERVED)
    assert reader.counts.unread.total() == doubts


@pytest.mark.timeout(120)
def test_a_very_long_line() -> None:
    """A line of a megabyte is cut, whatever it holds: that is quick, and no more of it is kept."""
    beginnings = (
        "to=<",
        'to=<"',
        "hold: header a: b; from=<",
        "reject: RCPT from ",
        "info: header Priority: urgent from x[",
    )
    for start, filling in product(
        beginnings, ("x", ">, orig_to=<", ">, relay=", " from x[", " to=<", "; from=<", "\\", '" ')
    ):
        long = f"postfix/smtp[1]: {Q1}: {start}" + filling * (1_000_000 // len(filling))
        told("origin", *HEAD, long, long.replace("smtp", "cleanup"), long.replace("smtp", "smtpd"))
    (event,) = told("origin", CLIENT, NAMED.replace("m@x.test", "x" * 1_000_000), ACTIVE)
    assert 0 < max(len(text) for text in msgspec.structs.astuple(event) if isinstance(text, str)) <= 16_384


def test_a_long_journal_record() -> None:
    """A record of the journal is longer than its message: it is read whole, and only a long message is cut."""

    def record(message: str) -> bytes:
        fields = {"__REALTIME_TIMESTAMP": str(OBSERVED), "_HOSTNAME": "origin", "SYSLOG_IDENTIFIER": "postfix/qmgr"}
        return msgspec.json.encode(fields | {"_CMDLINE": "x" * 100_000, "MESSAGE": message})

    (event,) = read("origin", record(ACTIVE.partition(": ")[2]))
    assert (event.kind, event.size) == (Kind.TRANSFERRED, 335)
    assert not read("origin", record(f"{Q1}: from=<{'a' * 100_000}>, size=335, nrcpt=1 (queue active)"))


def test_what_is_not_understood_is_told() -> None:
    """A line that should be understood and is not is counted with its place; others by program."""
    reader = parser()
    lines = [
        b"",
        b"no time",
        b"Nov 23 12:00:00 h postfix/smtp[1]: 4jYLmn6dkyz1TCGS: to=<x>, nothing else",
        b"Nov 23 12:00:00 h postfix/qmgr[1]: 4jYLmn6dkyz1TCGS: something new",
        b"Nov 23 12:00:00 h postfix/anvil[1]: statistics: x",
        b"Nov 23 12:00:00 h dovecot: imap: x",
        b"Nov 23 12:00:00 h postfix/smtp[1]: connect to x: refused",
    ]
    reader.parse([Piece(offset=n, raw=raw) for n, raw in enumerate(lines)], file="f", observed_at=OBSERVED)
    assert [(u.offset, u.reason) for u in reader.counts.examples] == [
        (0, "an empty line"),
        (1, "no time that can be read"),
        (2, "a line of smtp of an unknown form"),
        (3, "a line of qmgr of an unknown form"),
    ]
    assert reader.counts.ignored == Counter(anvil=1, dovecot=1, smtp=1)


@pytest.mark.parametrize(
    "said",
    [
        "rsyslogd[1]: imuxsock lost 4711 messages from pid 3 due to rate-limiting",
        "rsyslogd: imuxsock[pid 3]: begin to drop messages due to rate-limiting",
        "systemd-journald[1]: Suppressed 4711 messages from postfix.service",
    ],
    ids=["lost", "dropped", "suppressed"],
)
def test_lines_that_the_syslog_daemon_lost(said: str) -> None:
    """What it says is missing may have been of the mail: it counts as unread; its other lines, and others', do not."""
    reader = parser()
    others = "rsyslogd[1]: rsyslogd was HUPed", "cron[2]: lost 4711 messages", "postfix/anvil[3]: Suppressed 1 messages"
    reader.parse(pieces(log_of("origin", *HEAD, said, *others)), file="f", observed_at=OBSERVED)
    assert [unread.reason for unread in reader.counts.examples] == ["the syslog daemon lost lines"]
    assert reader.counts.ignored == Counter(rsyslogd=1, cron=1, anvil=1)


def test_a_line_that_ends_behind_its_program() -> None:
    """A line of smtpd that says nothing at all carries nothing."""
    reader = parser()
    log = log_of("origin", "postfix/smtpd[7]: connect from a[192.0.2.1]", "postfix/smtpd[7]")
    assert list(reader.parse(pieces(log), file="mail.log", observed_at=OBSERVED)) == []
    assert reader.counts.ignored == {"smtpd": 2}


def test_memory_is_bounded() -> None:
    """Removed entries leave after a linger, those that were never accepted and idle talks after a day."""
    reader = parser()

    def say(time: str, *lines: str) -> None:
        log = "\n".join(f"{time} origin {line}" for line in lines).encode()
        reader.parse(pieces(log), file="f", observed_at=OBSERVED)

    say("Nov 23 22:52:25", *HEAD, f"postfix/qmgr[9]: {Q1}: removed")
    assert Q1.encode() in reader.state()
    say("Nov 23 23:10:00", "postfix/anvil[1]: statistics: x")
    assert Q1.encode() not in reader.state()
    for digits in islice(product("BCD", repeat=4), 50):
        number = f"4jYMY9{''.join(digits)}z1"
        say("Nov 23 23:10:01", CLIENT.replace(Q1, number), NAMED.replace(Q1, number))
        say("Nov 23 23:10:01", CLIENT.replace(Q1, number), "postfix/smtpd[7]: disconnect from x[127.0.0.1]")
    say("Nov 25 23:10:01", "postfix/anvil[1]: statistics: x")
    assert len(reader.state()) < 300


def test_an_unknown_checkpoint() -> None:
    """A checkpoint of another version or kind is said, not guessed."""
    with pytest.raises(Misuse):
        parser().restore(b"\xc1")
    with pytest.raises(Misuse):
        parser().restore(msgspec.msgpack.encode({"version": 1}))


def test_many_hosts_in_one_log() -> None:
    """Without a declared host the lines say it, and a queue id of one host is not the other's."""
    hosts = ("origin.lab.test", "relay.lab.test")
    lines = "\n".join(f"Nov 23 12:00:00 {host} {line}" for host in hosts for line in (CLIENT, NAMED, ACTIVE))
    assert [e.host for e in read("", lines.encode())] == ["origin", "relay"]
