"""Logs as targets: Postfix, Dovecot and JSON lines, in every form of syslog.

What must hold of any bytes: no piece is dropped in silence, times are within what the ledger holds, no text has a NUL,
what was read is written and read back the same, and a parser that is put away in the middle and taken up again goes on
as if it had never stopped.
"""

from collections.abc import Callable
from ipaddress import ip_network

from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.kinds import KINDS
from streams.collect.parser import Counts, Parser, Piece
from streams.collect.proof import proofs
from streams.collect.reading import Lines
from streams.collect.rejection import Rejection
from streams.collect.syslog import EARLIEST, LATEST, Reader
from streams.core.events import MessageEvent
from streams.core.identity import partition_of
from streams.wire import envelope, records
from tests.fuzz import seeds
from tests.fuzz.target import Target

NOW = 1_795_500_000_000_000
"""Microseconds: when the pieces are read."""

_FIRST, _LAST = 631_152_000_000_000, 7_258_118_400_000_000
"""1990 and 2200, microseconds."""

DECLARED = Declaration(
    hosts=(Host(name="origin", aliases=frozenset({"127.0.0.11"})), Host(name="relay", reports=False)),
    submission_points=(SubmissionPoint(host="origin", networks=(ip_network("127.0.0.0/8"),)),),
    local_domains=frozenset({"dest.test"}),
)

GROWTH, SHORT = 64, 2_000
"""How many times the bytes of a log (or of a short one) its events may have."""

TWICE = 65_536
"""Bytes of a log that is read twice, the second time with a break."""

FORMS: tuple[tuple[int | None, str, int | None], ...] = (
    (None, "UTC", NOW),
    (2026, "Europe/Berlin", NOW),
    (2199, "America/St_Johns", NOW),
    (None, "Australia/Lord_Howe", None),
)


def pieces_of(data: bytes) -> list[Piece]:
    """Bytes as lines, as a collector cuts them."""
    reader = Lines(Counts(), "log")
    return [*reader.feed(data), *reader.feed(b"\n")]


def checked(make: Callable[[], Parser], pieces: list[Piece], size: int) -> None:
    """Read pieces with a parser and hold what must hold."""
    parser, rejected = make(), list[Rejection]()
    parser.counts.rejected = rejected.append
    events = list(parser.parse(pieces, file="log", observed_at=NOW))
    assert parser.counts.pieces == len(pieces)
    assert parser.counts.events == len(events)
    assert parser.through == 0 or _FIRST <= parser.through < _LAST
    told = sum(map(sound, events))
    assert told <= GROWTH * (size + SHORT), f"{told} bytes of events"
    proven = proofs(pieces, events, "log", "log")
    for value in list(proven.values())[:3]:
        records.decode("evidence", value)
    for one in rejected[:3]:
        records.decode("rejection", one.encode())
    assert len(rejected) <= len(pieces)
    if size <= TWICE:
        assert _with_a_break(make, pieces) == events


def _with_a_break(make: Callable[[], Parser], pieces: list[Piece]) -> list[MessageEvent]:
    """The events of a parser that is put away in the middle, and taken up by another."""
    half = len(pieces) // 2
    first, second = make(), make()
    events = list(first.parse(pieces[:half], file="log", observed_at=NOW))
    second.restore(first.state())
    return [*events, *second.parse(pieces[half:], file="log", observed_at=NOW)]


def sound(event: MessageEvent) -> int:
    """An event is one that the ledger holds, and comes back as it went; its bytes."""
    assert _FIRST <= event.occurred_at < _LAST
    raw = envelope.encode(event)
    assert envelope.decode(raw) == event
    assert b"\0" not in event.message_key.encode() + event.host.encode() + event.queue_id.encode()
    assert partition_of(event.message_key, 4) < 4
    return len(raw)


def _postfix(data: bytes) -> None:
    source = Source(name="log", kind="postfix", host="origin" if len(data) % 2 else "", year=2026)
    checked(lambda: KINDS["postfix"].make(source, DECLARED), pieces_of(data), len(data))


def _dovecot(data: bytes) -> None:
    source = Source(name="log", kind="dovecot", host="store" if len(data) % 2 else "")
    checked(lambda: KINDS["dovecot"].make(source, DECLARED), pieces_of(data), len(data))


def _jsonl(data: bytes) -> None:
    source = Source(name="log", kind="jsonl")
    checked(lambda: KINDS["jsonl"].make(source, DECLARED), pieces_of(data), len(data))


def _syslog(data: bytes) -> None:
    """Prefixes, by readers that know the year and zone, or guess them."""
    pieces = pieces_of(data)
    for year, zone, reference in FORMS[: 1 if len(data) > TWICE else None]:
        reader = Reader(year, zone, reference)
        for piece in pieces:
            line = reader.read(piece.raw)
            assert line is None or _FIRST <= line.at < _LAST
            assert line is None or "\0" not in line.host + line.program + line.text
    assert (EARLIEST, LATEST) == (1990, 2200)


def _forms() -> list[bytes]:
    """One line in each form of syslog."""
    text = b"mx postfix/qmgr[7]: 4dF1234567zABCD: from=<a@b.test>, size=9, nrcpt=1 (queue active)\n"
    journal = b'{"__REALTIME_TIMESTAMP":"1795500000000000","MESSAGE":%s,"_HOSTNAME":"mx","SYSLOG_IDENTIFIER":'
    journal += b'"postfix/qmgr","SYSLOG_PID":"7","_PID":"8"}\n'
    return [
        b"Nov 23 22:48:16 " + text,
        b"Feb 29 23:59:60 " + text + b"Dec 31 23:59:59 " + text + b"Jan  1 00:00:00 " + text,
        b"<22>Oct 25 02:30:00 " + text + b"Oct 25 02:10:00 " + text,
        b"2026-11-23T22:48:16.123456+01:00 " + text,
        b'<22>1 2026-11-23T22:48:16Z mx postfix/qmgr 7 - [x@1 a="b\\"]"][y] \xef\xbb\xbf4dF1234567zABCD: removed\n',
        b"<22>1 2026-11-23T22:48:16Z mx postfix/qmgr 7 ID - 4dF1234567zABCD: removed\n",
        journal % b'"4dF1234567zABCD: removed"',
        journal % b"[52,100,70,58,32,255,0]",
    ]


def _of_postfix() -> list[bytes]:
    return [*seeds.logs("postfix"), *seeds.logs("day", "origin.log.xz", 10), *_forms()]


def _of_dovecot() -> list[bytes]:
    return [*seeds.logs("dovecot"), *seeds.logs("day", "dovecot.log.xz", 20)]


_PREFIX = (b"2026-11-23T22:48:16.123456+00:00 origin postfix/", b"Nov 23 22:48:16 origin postfix/")

TARGETS = (
    Target(
        name="syslog",
        run=_syslog,
        seeds=_forms,
        words=(
            b"Jan", b"Dec", b"Feb 29", b"23:59:60", b"T", b"Z", b"+23:59", b"<1>", b"1 ", b'[a b="', b"MESSAGE",
            b"stderr P ", b"mail.info ", b"x[1]: Nov 23 22:48:16 ",
        ),
    ),
    Target(
        name="postfix",
        run=_postfix,
        seeds=_of_postfix,
        words=(
            *_PREFIX, b"qmgr[1]: ", b"smtpd[1]: ", b"cleanup[1]: ", b"postsuper[1]: removed", b"to=<", b"orig_to=<",
            b"status=sent", b"status=expired", b"queued as ", b"relay=", b"nrcpt=", b" (queue active)", b"client=",
            b"message-id=<", b"warning: header X: ", b" from local; ", b"sender non-delivery notification: ",
            b'replacing command "RCPT TO:<', b'" with "', b"NOQUEUE: hold: ", b"reject: RCPT from ", b"removed",
            b"NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 5.1.1 no; from=<a@x> to=<b@y>", b"; from=<",
            b"reject: header ",
            b"warning: 4dF1234567zABCD: ", b"queue file size limit exceeded", b"sender notification failed to ",
            b"disconnect from x data=0/1", b"origin MailScanner[1]: Requeue: 4dF1234567zABCD.A29D3 to ", b"stdout F ",
            b"dock web[1]: Nov 23 22:48:16 origin mail.info postfix/",
        ),
    ),
    Target(
        name="dovecot",
        run=_dovecot,
        seeds=_of_dovecot,
        words=(
            b"lmtp(user)<1><session>: ", b"imap(user)<1><session>: ", b"save: ", b"box=", b"uid=", b"msgid=<", b"size=",
            b"flags=(\\Seen)", b"copy from INBOX: ", b"expunge: ", b"sieve: msgid=", b": stored mail into mailbox '",
            b"discarded", b"forwarded to", b"top=1/2, retr=1/2, del=1/2", b"pop3(user)<1><session>: ",
        ),
    ),
    Target(
        name="jsonl",
        run=_jsonl,
        seeds=lambda: [*seeds.lines()],
        words=(b'"', b"null", b"{", b"[", b'"kind": "', b'"size": ', b"\\u0000", b"\\ud800", b'"attributes": ['),
    ),
)  # fmt: skip
