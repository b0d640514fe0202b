"""Evidence as it is in the wild: what cannot be read is counted with its place and reason, everything else is read."""

import gzip
import lzma
import os
from dataclasses import replace
from pathlib import Path

import pytest

from streams.collect import evidence, sources
from streams.collect.declaration import Declaration, Source
from streams.collect.evidence import Evidence
from streams.collect.kinds import kind_of
from streams.collect.parser import Counts
from streams.core.errors import Misuse
from streams.core.events import MessageEvent
from tests.collect.postfix_logs import DATA

RELAY = Source(name="relay", kind="postfix", host="relay", year=2026)
LINES = lzma.decompress((DATA / "day" / "relay.log.xz").read_bytes()).splitlines(keepends=True)[:200]


def _read(source: Source) -> tuple[list[MessageEvent], Counts]:
    read = Evidence(Declaration(sources=(source,)))
    events = list(read.events())
    return events, read.counts[source.name]


def _of(*paths: Path) -> Source:
    return replace(RELAY, paths=tuple(map(str, paths)))


@pytest.fixture
def clean(tmp_path: Path) -> list[bytes]:
    """The ids of the events of a log without faults."""
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "mail.log").write_bytes(b"".join(LINES))
    return [event.event_id for event in _read(_of(tmp_path / "clean"))[0]]


BAD: dict[str, tuple[bytes, str]] = {
    "NUL bytes and invalid UTF-8": (b"\0\xff\xfe", "no time that can be read"),
    "a timestamp of year 9999": (b"9999-12-31T23:59:59Z h postfix/qmgr[1]: 4jYMY: removed", "no time that can be read"),
    "a line of 2 MB": (b"x" * (2 << 20), "a line that is too long"),
    "a subject of 1 MB": (
        b"Nov 23 23:27:25 relay postfix/cleanup[1]: 4jYMY921vrz1TCKS: info: header Subject: "
        + b"x" * (1 << 20)
        + b" from local; from=<a@b>",
        "a line that is too long",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_costs_nothing_else(bad: str, tmp_path: Path, clean: list[bytes]) -> None:
    """It is counted with its place, and the lines before and after it are read."""
    line, reason = BAD[bad]
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join([*LINES[:50], line + b"\n", *LINES[50:]]))
    events, counts = _read(_of(path))
    assert [event.event_id for event in events] == clean
    assert counts.unread[reason] == 1
    assert [said.offset for said in counts.examples if said.reason.startswith(reason)] == [len(b"".join(LINES[:50]))]


def test_a_folder_of_what_goes_wrong(tmp_path: Path, clean: list[bytes]) -> None:
    """An empty file, a link that leads nowhere, damaged packing, a cut line, a file that is away: all are told."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "empty.log").touch()
    (folder / "link.log").symlink_to(folder / "none")
    (folder / "damaged.log").write_bytes(b"\x1f\x8bgarbage")
    (folder / "cut.log.gz").write_bytes(gzip.compress(b"".join(LINES[:100]))[:-9])
    (folder / "mail.log").write_bytes(b"".join(LINES) + LINES[0][:30])
    events, counts = _read(_of(folder, tmp_path / "gone.log"))
    assert {event.event_id for event in events} == set(clean)
    told = {(Path(said.file).name, said.reason.partition(":")[0]) for said in counts.examples}
    assert told == {
        ("empty.log", "an empty file"),
        ("link.log", "cannot be read"),
        ("damaged.log", "cannot be read"),
        ("cut.log.gz", "cannot be read"),
        ("gone.log", "cannot be read"),
        ("mail.log", "the last line has no end"),
    }
    assert counts.unread == {"an empty file": 1, "cannot be read": 4, "the last line has no end": 1}


def test_a_report_without_an_original_message(tmp_path: Path) -> None:
    """A report that does not say what it is about is counted, and the report beside it is read."""
    day = sources.read(DATA / "day" / "sources.toml")
    report = (
        b"From: MAILER-DAEMON@x\nSubject: x\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        b"Final-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.0.0\n\n--b--\n"
    )
    for name, content in {"a.eml": report, "b.eml": b"", "c.eml": b"\0\xff", "d.eml": report[:200]}.items():
        (tmp_path / name).write_bytes(content)
    source = replace(day.sources[4], paths=(*day.sources[4].paths, str(tmp_path)))
    events, counts = _read(source)
    assert counts.pieces == 273
    assert len({event.event_id for event in events if Path(event.file or "").suffix != ".eml"}) >= 270
    told = {Path(said.file).name for said in counts.examples}
    assert "b.eml" in told
    assert "a.eml" in told or any(Path(event.file or "").name == "a.eml" for event in events)


def test_the_year_is_that_of_the_file(tmp_path: Path) -> None:
    """Where no year is declared, a year-less log is of the time in which its file was written."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(LINES))
    written = 1_700_800_000  # 2023-11-24
    os.utime(path, (written, written))
    events, _ = _read(replace(_of(path), year=None))
    sent = [event.occurred_at // 1_000_000 for event in events if event.side == "sent"]
    assert sent
    assert all(written - 200_000 < at < written for at in sent)


def test_a_source_without_paths() -> None:
    """A source that names nothing to read is a mistake, not an empty ledger."""
    with pytest.raises(Misuse, match="has no paths"):
        evidence.files(RELAY)


def test_two_orders_of_sources_are_the_same_events() -> None:
    """Sources know nothing of each other: their order changes no event."""
    day = sources.read(DATA / "day" / "sources.toml")
    forward, backward = Evidence(day), Evidence(day)
    first = {event.event_id for event in forward.events(day.sources)}
    assert first == {event.event_id for event in backward.events(day.sources[::-1])}
    assert forward.through == backward.through


@pytest.mark.parametrize("source", sources.read(DATA / "day" / "sources.toml").sources, ids=lambda source: source.name)
def test_the_same_evidence_twice_is_the_same_events(source: Source) -> None:
    """A parser that reads its evidence again, with all that it remembers, tells no new fact and changes none."""
    parser = kind_of(source).make(source, sources.read(DATA / "day" / "sources.toml"))
    first, second = (
        {
            event.event_id: event
            for pieces in evidence.chunks(source, source.paths[0], Counts())
            for event in parser.parse(pieces, file="x", observed_at=1)
        }
        for _ in range(2)
    )
    assert first == second
