"""Texts of people as targets: terms, declarations, settings, words of a command line; and what a terminal is shown.

Whatever evidence has in it, no control character reaches a terminal: neither C0 and C1 (a log could move the cursor),
nor those that turn or hide text; and no line but those of raw evidence is wider than the terminal.
"""

import json
import os
import tempfile
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner

from streams import profiles
from streams.cli import (
    _evidence,
    _journey,
    _moments,
    alerts,
    cases,
    overdue,
    queue,
    reliability,
    replay,
    topics,
    trace,
    unread,
)
from streams.cli._lists import columns, head, plain
from streams.cli._screen import WIDTH, escaped
from streams.cli._source import Wanted, resolved
from streams.cli.app import custody
from streams.collect import sources
from streams.collect.parser import Counts, Unread
from streams.collect.syslog import Reader
from streams.core.documents import toml
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.core.events import Traffic
from streams.settings import Settings, load
from streams.warehouse import addresses
from tests.fuzz import seeds
from tests.fuzz.logs import TARGETS as LOGS
from tests.fuzz.target import Target

SHOWN = 20_000
"""Bytes of foreign texts on one screen; evidence is kept in pieces of 8 KB at most."""

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def harmless(shown: str) -> bool:
    """Is there nothing but text and line ends."""
    return all(one == "\n" or unicodedata.category(one) not in _UNSAFE for one in shown)


def _terms(data: bytes) -> None:
    """Terms answer, or are refused."""
    with suppress(Misuse):
        terms = profiles.checked(data.decode("utf-8", "replace"), "terms")
        owed = terms.owed(Traffic.OURS, 4, "a" * 60 + "@b.test", "c@d.test")
        assert all(span is None or 0 <= span < 1 << 62 for span in (owed.report, owed.stuck))
        terms.unread_after("user", "INBOX/" + "a" * 60)


def _sources(data: bytes) -> None:
    """A declaration is understood or refused."""
    with suppress(Misuse):
        declared = sources.parse(toml(data.decode("utf-8", "replace")), Path("/nowhere"))
        for source in declared.sources:
            Reader(source.year, source.timezone)


def _settings(data: bytes) -> None:
    """Settings are understood or refused, and so is what clients are made of."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        file.write_bytes(data)
        with suppress(Misuse):
            settings = load(file=file)
            for client in (settings.kafka_client, settings.clickhouse_client, settings.registry):
                with suppress(Misuse, Unavailable):
                    client()


def _words(data: bytes) -> None:
    """Words of a command line mean something or are refused."""
    text = data[:SHOWN].decode("utf-8", "replace").replace("\0", "")
    for meant in (_moments.micros_of, alerts.checked, addresses.pattern, _zone, _collected):
        with suppress(CustodyError):
            meant(text)


def _zone(text: str) -> None:
    Reader(None, text)


def _collected(text: str) -> None:
    words = (text.split(" ", 4) + [""] * 5)[:5]
    resolved(Wanted(kind=words[0], name=words[1] or None, host=words[2], timezone=words[3] or None, files=(words[4],)))


def _command(data: bytes) -> None:
    """A command line ends in an answer or an error of ours; services are away."""
    words = [word for word in data.decode("utf-8", "replace").replace("\0", "").split("\n") if word][:12]
    if not words or words[0] not in _ASKING:
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CUSTODY_DATA"] = folder
        result = CliRunner().invoke(custody, words, input=b"")
        del os.environ["CUSTODY_DATA"]
    assert result.exception is None or isinstance(result.exception, (CustodyError, SystemExit)), result.exception


_ASKING = ("overdue", "unread", "queue", "alerts", "cases", "reliability", "trace", "sql", "forget", "replay", "look")


def _look(data: bytes) -> None:
    """A look at a file nobody declared: an answer without a control character, as text and as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence"
        path.write_bytes(data)
        for more in ([], ["--json"]):
            result = CliRunner().invoke(custody, ["look", str(path), *more])
            assert result.exception is None or isinstance(result.exception, (CustodyError, SystemExit))
            assert harmless(result.output)


def _screens(data: bytes) -> None:
    """Every screen, of rows whose texts are foreign."""
    texts = data[:SHOWN].decode("utf-8", "surrogateescape").split("\t")
    row = _Row(texts)
    rows: list[dict[str, Any]] = [row, _Row(texts[::-1])]
    totals = {"standing": 2, "cleared": 1, "withdrawn": 1, "owed": 3, "left_unread": 1}
    clock = {"through": NOON, "silent": texts, "behind": texts[:1], "sources": 2}
    shown = [
        head("Overdue reports", Settings(), clock),
        *overdue.lines("t", {}, totals, rows, 10),
        *overdue.following(Settings(), rows),
        *unread.lines("t", {}, totals, rows, 10),
        *alerts.lines("t", rows, 10),
        *cases.lines("t", rows, 10),
        *queue.lines("t", {}, rows),
        *reliability.lines(rows, "peer"),
        *reliability.lines(rows, "domain"),
        *trace.choice(texts[0], rows, 2),
        *trace.older(Settings(), texts[0], rows, 2),
        *trace.heading(row, {"units": rows}, {}),
        *trace.unseen(rows, texts),
        *columns(_journey.steps({"events": rows, "alerts": rows, "notices": rows}), "llll", indent="", flex=2),
        *replay.lines(rows),
        *replay.compared([("only replay", row)]),
        topics.entry(row),
        *_evidence.said(texts[0], _counts(texts)),
    ]
    assert harmless("\n".join([*shown, *trace.raw_lines(rows)]))
    wide = [line for line in "\n".join(shown).split("\n") if len(line) > WIDTH]
    assert not wide, [f"{line[:WIDTH]} ... {len(line)}" for line in wide[:9]]
    document = {"texts": [text.encode("utf-8", "replace").decode() for text in texts]}
    encoded = escaped(msgspec.json.format(msgspec.json.encode(plain(document))).decode())
    assert harmless(encoded)
    assert json.loads(encoded) == document


class _Row(dict[str, Any]):
    """A row of any question: what is asked for by name is a foreign text, but for numbers and times."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(_FIXED)
        self._texts = texts

    def __missing__(self, name: str) -> Any:
        return self._texts[sum(name.encode()) % len(self._texts)]

    def get(self, name: str, default: Any = None) -> Any:
        """A value; what is not fixed is a text."""
        del default
        return self[name]


_FIXED: dict[str, Any] = {
    **dict.fromkeys(("raised_at", "opened_at", "due", "oldest", "first_at", "at", "occurred_at", "submitted_at"), NOON),
    **dict.fromkeys(("cleared_at", "proof_at", "report_due", "report_at", "deleted_at", "held_at"), None),
    **dict.fromkeys(("standing", "members", "count", "deferred", "held", "offset", "seq"), 7),
    **dict.fromkeys(("volume", "size"), 12_345_678_901),
    **dict.fromkeys(("sent", "refused_correctly", "owed", "in_time", "late", "refused_by_us", "open", "blind"), 3),
    "beyond_sight": 0, "reliability": None, "priority": 4, "case_id": b"12345678", "kind": "transferred",
    "report_requested": True, "attributes": ["pid=1"],
}  # fmt: skip


def _counts(texts: list[str]) -> Counts:
    counts = Counts()
    counts.ignored.update(texts)
    counts.unread.update(texts)
    counts.examples += [Unread(file=text, offset=1, reason=text) for text in texts]
    return counts


def _of_words() -> list[bytes]:
    return [
        b"2026-11-23T23:29:00Z",
        b"2026-11-23",
        b"stuck,refused",
        b"carol@dest.test",
        b"postfix name mx UTC mail.log",
    ]


def _of_commands() -> list[bytes]:
    lines = [("overdue", "--check"), ("trace", "<a@b>", "--raw"), ("replay", "--at", "2026-11-23T23:29:00Z")]
    lines += [("cases", "--acknowledge", "abcdef12", "--by", "x", "--reason", "y"), ("alerts", "--rule", "stuck")]
    lines += [("sql", "SELECT 1", "--format", "CSV"), ("queue", "--json", "--limit", "3"), ("look", "/dev/null")]
    return ["\n".join(line).encode() for line in lines]


def _of_screens() -> list[bytes]:
    return [b"<a@b>\tmx\t250 ok\tcarol@dest.test", "\x1b[31mred\tü\u202e\u2066\x9b31m\t\U000e0041\n\r\t".encode()]


_TOML = (b"[[", b"]]", b"[", b'"""', b"'''", b" = ", b"{", b"inf", b"nan", b"1979-05-27T07:32:00Z", b"0x", b"\\u0000")
_LOG_SEEDS = {target.name: target for target in LOGS}

TARGETS = (
    Target(
        name="terms", run=_terms, words=(*_TOML, b"[[rules]]\n", b'originator_domain = "', b"[!a-", b"*?" * 9),
        seeds=lambda: [seeds.text("terms", "watch.toml"), seeds.text("terms", "guaranteed.toml")], rounds=300,
    ),
    Target(
        name="sources", run=_sources, words=(*_TOML, b"[[sources]]\n", b"timezone = ", b"networks = "), rounds=300,
        seeds=lambda: [seeds.text("examples", "sources.toml")],
    ),
    Target(
        name="settings", run=_settings, words=(*_TOML, b"https://[", b"~x", b":99999999", b"sasl_ssl"), rounds=600,
        seeds=lambda: [b'ledger="a"\nkafka_brokers="h:1"\nclickhouse_url="http://h:1"\nregistry_url="https://h/x"\n',
                       b'kafka_security_protocol="sasl_ssl"\nkafka_sasl_username="u"\npartitions=4\ndata="~/x"\n'],
    ),
    Target(
        name="words", run=_words, seeds=_of_words, rounds=2000,
        words=(b"T", b"Z", b"+23:59", b"0001-01-01", b"9999-12-31", b"Europe", b"../", b"/etc/passwd", b"-W01", b","),
    ),
    Target(
        name="command", run=_command, seeds=_of_commands, rounds=150,
        words=(b"\n--", b"\n-", b"\n--json", b"\n--data", b"\n--limit\n", b"\n--by", b"\n--help", b"="),
    ),
    Target(
        name="look", run=_look, rounds=60,
        seeds=lambda: [*seeds.logs("postfix")[:8], *seeds.logs("dovecot")[:4], *seeds.mails()[:4], *seeds.lines()],
        words=_LOG_SEEDS["postfix"].words,
    ),
    Target(
        name="screens", run=_screens, seeds=_of_screens, rounds=60,
        words=(b"\t", b"suspended: ", b"deleted", b"on hold"),
    ),
)  # fmt: skip
