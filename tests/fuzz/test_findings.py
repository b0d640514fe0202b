"""What fuzzing found, as examples: each was a crash, a hang, or memory out of proportion, and none may come back."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.collect import reading
from streams.collect.declaration import Source
from streams.collect.kinds import KINDS
from streams.collect.packed import Text
from streams.collect.parser import Counts
from streams.collect.postfix_text import header
from streams.core.documents import toml
from streams.core.errors import Misuse, Undecodable
from streams.core.events import Kind
from streams.core.terms import Terms
from streams.local import codec, question
from streams.settings import load
from streams.track import segments
from tests.core.journeys import TERMS
from tests.fuzz.logs import DECLARED, NOW, pieces_of
from tests.fuzz.target import tried
from tests.fuzz.targets import BY_NAME

AT = b"2026-11-23T22:48:16+00:00 origin postfix/"
DEEP, LONG = 100_000, 1_000_000


def _line(daemon: bytes, text: bytes) -> bytes:
    return AT + daemon + b"[7]: " + text + b"\n"


def _tar_with(header: bytes, size: int) -> bytes:
    """A tar whose first member is an extended header."""
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, size
    return member.tobuf() + header.ljust(-(-len(header) // 512) * 512, b"\0")


def _lying_sparse() -> bytes:
    """A sparse file whose map is no map."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("mail")
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
        member.size = 20
        archive.addfile(member, io.BytesIO(b"Return-Path: <a@b>\r\n"))
    return out.getvalue()


def _long_report() -> bytes:
    """A report of two thousand recipients about a message whose id, trace and envelope id are as long as can be."""
    trace = b"Received: by origin with id " + b"A" * 1900 + b";\n"
    told = b"".join(b"Final-Recipient: rfc822; %d@a.test\nAction: failed\n\n" % n for n in range(2_000))
    return (
        b"From: x\nContent-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; origin\nOriginal-Envelope-Id: " + b"e" * 90_000 + b"\n\n" + told
        + b"--x\nContent-Type: message/rfc822-headers\n\nMessage-ID: <" + b"m" * 90_000 + b">\n" + trace * 20
    )  # fmt: skip


REMOVED = _line(b"qmgr", b"4dF1234567zABCD: removed")

FOUND: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a journal record that nests deeper than the stack": ("syslog", lambda: b'{"a":' + b"[" * DEEP),
    "structured data without its end": ("syslog", lambda: b'<1>1 2026-11-23T22:48:16Z h p 1 - [a b="' + b"x" * LONG),
    "months that go round until no year is left": (
        "syslog",
        lambda: b"Dec 31 23:59:59 a b[1]: c\nMay 31 23:59:59 a b[1]: c\n" * 1000,
    ),
    "one line again and again within a second": ("postfix", lambda: REMOVED * 6_000),
    "a deletion that is said again of many recipients": (
        "postfix",
        lambda: b"".join(
            _line(b"smtp", b"4dF1234567zABCD: to=<%d@a.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)" % n)
            for n in range(1500)
        )
        + _line(b"postsuper", b"4dF1234567zABCD: removed") * 1500,
    ),
    "a log that goes back in time where a collector was started again": (
        "postfix",
        lambda: b"Nov 23 22:54:51 origin postfix/qmgr[7]: 4jYLqb36Q5z1TBwj: removed\n"
        + b"Nov 23 22:52:26 origin postfix/qmgr[7]: 4jYLmp4YZDz1TCJj: removed\n" * 3,
    ),
    "an alias that expands to thousands": (
        "postfix",
        lambda: b"".join(
            _line(
                b"smtp",
                b"4dF1234567zABCD: to=<%d@a.test>, orig_to=<list@a.test>, relay=none, delay=1, dsn=4.4.1, "
                b"status=deferred (x)" % n,
            )
            for n in range(3_000)
        ),
    ),
    "thousands of checks of one message": (
        "postfix",
        lambda: _line(b"smtpd", b"NOQUEUE: discard: RCPT from a[192.0.2.1]: x") * 3_000
        + _line(b"smtpd", b"4dF1234567zABCD: client=a[192.0.2.1]")
        + _line(b"cleanup", b"4dF1234567zABCD: message-id=<a@b.test>"),
    ),
    "a report whose long identifiers belong to each of many recipients": ("reports", _long_report),
    "a tar with a map that is no map": ("mails", _lying_sparse),
    "a tar with an endless extended header": ("mails", lambda: _tar_with(b"1" * 200_000, 200_000)),
    "a mailbox of empty lines": ("mails", lambda: b"From a@b\n" + b"\n" * 600_000),
    "a checkpoint that nests deeper than the stack": ("checkpoint", lambda: b"\x81\xa1x" + b"\x91" * DEEP),
    "a checkpoint with a key that is no text": ("checkpoint", lambda: b"\x81\xa2\xff\xfe\x01"),
    "a path of slashes": ("request", lambda: b"GET " + b"/" * LONG + b"\n\n"),
    "a body that is said to be in an alphabet nobody knows": (
        "request",
        lambda: b"POST /subjects/alerts-value\nContent-Type: application/json; charset=x\n\n{}",
    ),
    "a schema that nests deeper than the stack": ("request", lambda: b"POST /subjects/alerts-value\n\n" + b"[" * DEEP),
    "a schema's id of thousands of digits": ("request", lambda: b"GET /schemas/ids/" + b"1" * 5_000 + b"\n\n"),
    "a query's id that ends a header's line": (
        "request",
        lambda: b"GET /?query=SELECT+1&user=custody&password=p&query_id=a%0d%0ab\n\n",
    ),
    "a screen of escape sequences": ("screens", "\x1b[2J\x9b31m\t\u202e\u2066".encode),
    "a snapshot that is none": ("segments", lambda: b"\0\7ARROW1\0"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    """What was found once is read within its limits."""
    target, made = FOUND[name]
    tried(BY_NAME[target], made())


def test_a_parent_of_which_nothing_but_its_client_is_known() -> None:
    """An entry that continues one without a Message-ID names its leg as any other does."""
    parser = KINDS["postfix"].make(Source(name="log", kind="postfix", host="origin"), DECLARED)
    log = (
        _line(b"smtpd", b"4dF1234567zABCD: client=a[192.0.2.1]")
        + _line(b"reinject/smtpd", b"4dF1234567zABCF: client=origin[127.0.0.11], orig_queue_id=4dF1234567zABCD")
        + _line(b"cleanup", b"4dF1234567zABCF: message-id=<a@b.test>")
        + _line(b"qmgr", b"4dF1234567zABCF: from=<a@b.test>, size=9, nrcpt=1 (queue active)")
        + _line(b"smtp", b"4dF1234567zABCF: to=<c@d.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)")
    )
    events = list(parser.parse(pieces_of(log), file="log", observed_at=NOW))
    passed = [event for event in events if event.kind is Kind.REROUTED]
    assert passed
    assert all(len(event.leg) == 16 for event in events)


def test_a_header_of_spaces_is_read_once() -> None:
    """A header's value may be empty, or all spaces, and is found in one pass."""
    assert header("warning: header Subject: from local; from=<a@b>") == ("subject", "")
    assert header("info: header Priority:  urgent  from a[192.0.2.1]:25; from=<a@b>") == ("priority", "urgent")
    assert header("warning: header X:" + " " * 16_000) is None


@pytest.mark.parametrize(
    "text", ["a=" + "[" * 5_000, "a=" + "1" * 5_000, ".".join("a" * 200_000), "a=1\na=2", "a=1979-13-40"]
)
def test_documents_that_are_no_toml(text: str) -> None:
    """Brackets too deep, numbers too long, keys of too many parts: each is refused with a reason."""
    with pytest.raises(Misuse, match="not TOML"):
        toml(text)


@pytest.mark.parametrize("span", [-1, 10**12, 10**30])
def test_terms_of_ages(span: int) -> None:
    """A term that ends beyond the time that can be told is refused, wherever it stands."""
    for wrong in ({"grace": span}, {"report": {"normal": span}}, {"unread": {"after": span}}):
        with pytest.raises(Misuse, match="terms"):
            Terms.parse(TERMS | wrong)


@pytest.mark.parametrize(
    "text",
    ['clickhouse_url="http://["', 'clickhouse_url="http://h:99999"', 'registry_url="x"', 'data="~nobody-there/x"',
     'data="\\u0000"', "data=5", 'data="/dev/null"', "partitions=[" + "[" * 5_000],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path: Path, text: str) -> None:
    """Settings that no machine can follow are refused at the start, with a sentence."""
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Misuse):
        load(file=file)


def test_statements_made_up_to_be_read_for_ever() -> None:
    """Comments and spaces without end are read once, and what they hide is found."""
    assert not question.is_insert(b"/**/" * 100_000 + b"SELECT")
    assert question.is_insert(b"/* a */ -- b\n /**/ INSERT INTO t")
    assert question.format_of("SELECT 1 FORMAT a" + " " * 100_000 + "b", "CSV") == "CSV"
    assert question.format_of("SELECT 1 FORMAT JSON SETTINGS a=1 ;\n", "CSV") == "JSON"
    rows = question.split(b"INSERT INTO t (a, b) VALUES (1, 'FORMAT')")
    assert rows is not None
    assert rows.first == b"(1, 'FORMAT')"
    assert question.split(b"INSERT INTO t SELECT " + b"('" * 300_000) is None


@pytest.mark.parametrize("name", codec.ENCODINGS)
def test_a_small_body_that_unpacks_to_a_large_one(name: str) -> None:
    """However much a few bytes unpack to, it comes in blocks."""
    encoder = codec.encoder(name)
    body = b"".join(encoder.feed(bytes(1 << 22)) for _ in range(8)) + encoder.finish()
    sizes = [len(clear) for clear in codec.decoder(name).feed(body)]
    assert sum(sizes) == 1 << 25
    assert max(sizes) <= codec.BLOCK


def test_credentials_of_other_alphabets() -> None:
    """What no client could mean is nobody's name."""
    assert question.read({}, {"Authorization": "Basic \u00e9"}).user == ""
    assert question.read({"user": "\udcff"}, {}).user == "?"


def test_a_snapshot_that_was_damaged() -> None:
    """One bit of a snapshot that is not as it was written, and it is refused."""
    manifest = segments.Manifest(
        id="1-a", partition=0, offset=9, generations=(), through=1, terms="", heap=0, learned=0
    )
    raw = segments.manifest_bytes(manifest)
    assert segments.manifest_of(raw) == manifest
    for at in (0, len(raw) // 2, len(raw) - 1):
        with pytest.raises(Undecodable, match="damaged"):
            segments.manifest_of(raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :])


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress, lzma.compress])
def test_a_small_file_that_unpacks_to_a_huge_one(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A file that unpacks to far more than any log does is read no further, and counted; a long log is read whole."""
    bomb, log = tmp_path / "bomb", tmp_path / "log"
    bomb.write_bytes(pack(bytes(24 << 20)))
    log.write_bytes(pack(b"".join(b"%d queued as %x\n" % (number, number * 7919) for number in range(100_000))))
    counts = Counts()
    assert not list(reading.lines(str(bomb), counts))
    assert "unpacks to more" in counts.examples[-1].reason
    assert sum(map(len, reading.lines(str(log), counts))) == 100_000
    with Text(str(bomb)) as text, pytest.raises(OSError, match="unpacks to more"):
        text.read(1, 20 << 20)
