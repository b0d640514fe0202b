"""What stands around a program's line: words before the program, and a container's line within another's."""

from itertools import count
from pathlib import Path

import msgspec
import pytest

from streams.collect.declaration import Source
from streams.collect.guess import guessed
from streams.collect.postfix import PostfixParser
from streams.collect.syslog import Reader
from streams.collect.wrapping import host_in, unwrapped
from streams.core.events import Kind, MessageEvent
from tests.collect.postfix_logs import DECLARATION, OBSERVED, Q1, pieces, short

SAID = (
    f"postfix/submission/smtpd[7]: {Q1}: client=x[192.0.2.5], sasl_method=PLAIN",
    f"postfix/cleanup[8]: {Q1}: message-id=<m@x.test>",
    f"postfix/qmgr[9]: {Q1}: from=<alice@origin.test>, size=335, nrcpt=1 (queue active)",
    f"postfix/smtp[10]: {Q1}: to=<c@dest.test>, relay=none, delay=1, delays=0/0/1/0, dsn=5.1.1, status=bounced (x: y)",
)
TOLD = [("submitted", Q1, ""), ("submitted", Q1, "c@dest.test"), ("refused", Q1, "c@dest.test")]
AT = 1_795_474_345_000_000
"""2026-11-23 22:52:25 UTC."""


def read(form: str, host: str = "") -> tuple[list[MessageEvent], PostfixParser]:
    """What a log says whose lines have such a prefix, the seconds of which go on."""
    lines = "\n".join(form.replace("{}", f"{n:02}") + line for n, line in zip(count(25), SAID, strict=False))
    reader = PostfixParser(Source(name="s", kind="postfix", host=host, year=2026), DECLARATION)
    return reader.parse(pieces(lines.encode()), file="f", observed_at=OBSERVED), reader


@pytest.mark.parametrize(
    "form",
    [
        "Nov 23 22:52:{} 192.0.2.1 origin ",
        "Nov 23 22:52:{} origin mail.info ",
        "Nov 23 22:52:{} 192.0.2.1 origin mail.info ",
        "Nov 23 22:52:{} origin <info> ",
        "2026-11-23T22:52:{}.5+00:00 origin INFO    ",
        "2026-11-23T22:52:{}.123456789Z stdout F Nov 23 22:52:{} origin ",
        "2026-11-23T22:52:{}.123456789Z stderr P 2026-11-23T22:52:{}.123456+00:00 origin ",
        "2026-11-23T22:52:{}.123456789Z stdout F origin ",
        "2026-11-23T22:52:{}.123456789Z 2026-11-23T22:52:{}+00:00 origin INFO    ",
        "2026-11-23T22:52:{}+00:00 dockerhost smtp-out[985]: Nov 23 22:52:{} origin ",
        "Nov 23 22:52:{} dockerhost 4f1d2c3b5a6e[985]: 2026-11-23T22:52:{}.5+00:00 origin INFO    ",
        "Nov 23 22:52:{} dockerhost 4f1d2c3b5a6e[985]: <22>Nov 23 22:52:{} origin ",
    ],
)
def test_whose_lines_they_are(form: str) -> None:
    """A relay's address, a facility with its level, and what a container runtime adds, are not the host."""
    events, reader = read(form)
    assert short(events) == TOLD
    assert {event.host for event in events} == {"origin"}
    assert not reader.counts.unread
    assert not reader.counts.ignored


def test_a_level_where_no_host_stands() -> None:
    """A level alone names no host: the source is declared to be of one."""
    events, _ = read("2026-11-23T22:52:{}.5+00:00 INFO    ", host="origin")
    assert short(events) == TOLD
    assert {event.host for event in read("2026-11-23T22:52:{}.5+00:00 INFO    ")[0]} == {""}


@pytest.mark.parametrize(
    ("form", "host"),
    [
        ("2026-11-23T22:52:25+00:00 INFO    ", "outgoing"),
        ("2026-11-23T22:52:25+00:00 ", "outgoing"),
        ("Nov 23 22:52:25 192.0.2.1 mx mail.info ", "mx"),
        ("Nov 23 22:52:25 dock web[1]: Nov 23 22:52:25 mx ", "mx"),
    ],
)
def test_a_log_that_nobody_declared(form: str, host: str, tmp_path: Path) -> None:
    """Its host is the one of its lines; a log whose lines name none is called by its file."""
    log = tmp_path / "outgoing.log"
    log.write_text("\n".join(form + line for line in SAID))
    declaration = guessed([log])
    assert [known.name for known in declaration.hosts] == [host]
    assert [point.host for point in declaration.submission_points] == [host]
    (source,) = declaration.sources
    reader = PostfixParser(source, declaration)
    events = reader.parse(pieces(log.read_bytes()), file="f", observed_at=OBSERVED)
    assert {(event.host, event.kind) for event in events} == {(host, Kind.SUBMITTED), (host, Kind.REFUSED)}


def test_a_containers_lines_in_the_journal() -> None:
    """Docker's journald driver calls a line by its container, and puts the whole of it into the message."""
    micros = AT
    records = [
        {"__REALTIME_TIMESTAMP": str(micros), "_HOSTNAME": "dockerhost", "SYSLOG_IDENTIFIER": "4f1d2c3b5a6e"}
        | {"_PID": "985", "MESSAGE": f"Nov 23 22:52:25 origin {line}"}
        for line in SAID
    ]
    reader = PostfixParser(Source(name="s", kind="postfix"), DECLARATION)
    raw = b"\n".join(map(msgspec.json.encode, records))
    events = reader.parse(pieces(raw), file="f", observed_at=OBSERVED)
    assert [event.kind for event in events] == [Kind.SUBMITTED, Kind.SUBMITTED, Kind.REFUSED]
    assert {(event.host, event.occurred_at // 1_000_000) for event in events if event.kind is Kind.REFUSED} == {
        ("origin", micros // 1_000_000)
    }


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ("mx", "mx"),
        ("", ""),
        ("-", "-"),
        ("two words mx", "mx"),
        ("mx mail.info", "mx"),
        ("mail.info", "mail.info"),
        ("mx mail.example", "mail.example"),
        ("mx local0.warn", "mx"),
        ("<info>", ""),
        ("INFO   ", ""),
        ("mx WARNING", "mx"),
        ("info", "info"),
    ],
)
def test_the_host_among_words(words: str, want: str) -> None:
    """The last word is the host, but for a level; a facility with its level is one only behind a host."""
    assert host_in(words) == want


@pytest.mark.parametrize(
    "said",
    ["mx p[1]: 2001 lines", "mx p[1]: Nov", "mx p[1]: Nov 31x", "mx p", "mx p[1]: stdout", "mx p[1]: 2026-11-23 x", ""],
)
def test_lines_that_hold_no_other(said: str) -> None:
    """A text that begins with a number, or with the name of a month, is no line of a container."""
    assert unwrapped(said, AT) == said


@pytest.mark.parametrize(
    ("time", "is_line"),
    [
        ("Nov 23 22:52:25", True),
        ("Nov 23 22:52:20", True),
        ("Nov 24 04:22:29", True),  # half past, in a zone of the east
        ("2026-11-23T22:52:25.5+00:00", True),
        ("Nov 23 22:52:18", False),
        ("Nov 23 22:10:00", False),
        ("Nov 22 10:00:00", False),
    ],
)
def test_a_line_that_another_program_quotes_is_none(time: str, is_line: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    """A checker of logs, or whoever logs what others say, quotes what was said at another time."""
    said = f"mx logcheck[9]: {time} mx postfix/qmgr[9]: 4jYMZL51fnz1TCJ0: removed"
    assert (unwrapped(said, AT) == "mx postfix/qmgr[9]: 4jYMZL51fnz1TCJ0: removed") is is_line


def test_the_parts_of_a_containers_line() -> None:
    """Who asks which program a line is of is told the one that wrote it."""
    line = Reader(2026).read(
        b"Nov 23 22:52:25 dockerhost web[985]: Nov 23 22:52:25 mx mail.info dovecot: lmtp(a)<1><b>: x"
    )
    assert line is not None
    assert line[1:] == ("mx", "dovecot", "", "lmtp(a)<1><b>: x")
