"""The collector as a whole: killed at any moment and started again, it changes no count."""

import lzma
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.collect import checkpoint, packed, run, sources
from streams.collect.declaration import Declaration, Source
from streams.collect.proof import RAW
from streams.collect.run import Collector
from streams.core.errors import Misuse, Unavailable
from streams.core.events import MessageEvent
from tests.collect.broker import Killed, Log, Writer
from tests.collect.postfix_logs import DATA

DAY = sources.read(DATA / "day" / "sources.toml")
BLOCK = 1 << 14
"""Bytes of a block, so that a log has many and any of them can be the last."""

LONG = (b"a", b"b" * 1_000_000, b"c")
"""What Message-IDs are made of."""

SIZE = 100_000
"""Bytes of a log, about."""


def _source(name: str) -> Source:
    return next(source for source in DAY.sources if source.name == name)


def _collector(writer: Writer, store: Path, source: Source, declaration: Declaration = DAY) -> Collector:
    return Collector(source=source, declaration=declaration, writer=writer, store=store)


def _facts(log: Log) -> dict[bytes, MessageEvent]:
    """The events without the moment of reading."""
    return {key: _timeless(event) for key, event in log.events.items()}


def _timeless(event: MessageEvent) -> MessageEvent:
    return msgspec.structs.replace(event, observed_at=0)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The beginning of the relay's log, unpacked."""
    path = tmp_path_factory.mktemp("plain") / "relay.log"
    text = lzma.decompress(Path(_source("relay-log").paths[0]).read_bytes())
    path.write_bytes(text[: text.index(b"\n", SIZE) + 1])
    return replace(_source("relay-log"), paths=(str(path),))


@pytest.fixture(scope="module")
def whole(plain: Source, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """What a collector wrote that nothing disturbed."""
    log = Log()
    _collector(Writer(log), tmp_path_factory.mktemp("whole") / "store", plain).read()
    return log


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every block, and small blocks."""
    monkeypatch.setattr(run, "EVERY", 0.0)
    monkeypatch.setattr(packed, "BLOCK", BLOCK)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.integers(0, 30), max_size=5), kept=st.floats(0, 1))
@pytest.mark.usefixtures("eager")
def test_killed_and_started_again(plain: Source, whole: Log, calls: list[int], kept: float) -> None:
    """Killed at any call, with any part of what was not acknowledged, the end is as if nothing had happened."""
    log = Log()
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        for number in calls:
            with suppress(Killed):
                _collector(Writer(log, calls=number, kept=kept), store, plain).read()
        _collector(Writer(log), store, plain).read()
    assert _facts(log) == _facts(whole)
    assert log.evidence == whole.evidence


@pytest.mark.usefixtures("eager")
def test_it_goes_on_where_it_was(plain: Source, tmp_path: Path) -> None:
    """What is acknowledged and stored is not read again: two halves are the whole, each event written once."""
    log = Log()
    with pytest.raises(Killed):
        _collector(Writer(log, calls=9), tmp_path / "store", plain).read()
    before = len(log.records)
    _collector(Writer(log), tmp_path / "store", plain).read()
    ids = [key for topic, key, _ in log.records if topic == "evidence"]
    assert 0 < before < len(log.records)
    assert len(ids) == len(set(ids))


def test_a_second_time_reads_nothing(plain: Source, tmp_path: Path) -> None:
    """A log that was read to its end is not read again; one that has grown is read from there on."""
    log, file = Log(), Path(plain.paths[0])
    text = file.read_bytes().splitlines(keepends=True)
    grown = replace(plain, paths=(str(tmp_path / "log"),))
    (tmp_path / "log").write_bytes(b"".join(text[:500]))
    for lines, new in ((500, 500), (500, 0), (700, 200)):
        (tmp_path / "log").write_bytes(b"".join(text[:lines]))
        collector = _collector(Writer(log), tmp_path / "store", grown)
        collector.read()
        assert collector.parser.counts.pieces == new


OTHERWISE = {
    "points": replace(DAY, submission_points=()),
    "aliases": replace(DAY, hosts=(replace(DAY.hosts[0], aliases=frozenset({"x"})), *DAY.hosts[1:])),
    "filters": replace(DAY, hosts=(replace(DAY.hosts[0], filters=frozenset({"x"})), *DAY.hosts[1:])),
    "domains": replace(DAY, local_domains=frozenset({"x"})),
}


def _notes(store: Path, source: Source, declaration: Declaration = DAY) -> tuple[int, tuple[str, ...]]:
    collector = _collector(Writer(Log()), store, source, declaration)
    collector.read()
    return collector.parser.counts.pieces, collector.parser.counts.notes


@pytest.mark.parametrize("what", [*OTHERWISE, "year", "timezone"])
def test_what_was_read_and_is_declared_otherwise_is_said(what: str, plain: Source, tmp_path: Path) -> None:
    """Each time, until something is read as it is declared now; then that is what the next change is a change of."""
    text, store = Path(plain.paths[0]).read_bytes().splitlines(keepends=True), tmp_path / "store"
    (tmp_path / "log").write_bytes(b"".join(text[:50]))
    first = replace(plain, paths=(str(tmp_path / "log"),))
    year, timezone = 2025 if what == "year" else first.year, "Asia/Tokyo" if what == "timezone" else first.timezone
    then = replace(first, year=year, timezone=timezone)
    declaration = OTHERWISE.get(what, DAY)
    assert _notes(store, first) == (50, ())
    for _ in range(2):
        assert _notes(store, then, declaration) == (0, (run.NOTHING_NEW, run.OTHERWISE))
    (tmp_path / "log").write_bytes(b"".join(text[:60]))
    assert _notes(store, then, declaration) == (10, (run.OTHERWISE,))
    assert _notes(store, then, declaration) == (0, (run.NOTHING_NEW,))


def test_what_changes_no_meaning_is_not_said(plain: Source, tmp_path: Path) -> None:
    """Hosts in another order, other terms, another end; nor is anything said of a checkpoint of an older version."""
    store = tmp_path / "store"
    _notes(store, plain)
    alike = replace(DAY, hosts=DAY.hosts[::-1], terms="guaranteed", until=None, keep_raw=False)
    assert _notes(store, plain, alike) == (0, (run.NOTHING_NEW,))
    known = checkpoint.load(store)
    assert known is not None
    assert known.meaning
    older = {name: value for name, value in msgspec.structs.asdict(known).items() if name != "meaning"}
    store.write_bytes(msgspec.msgpack.encode(older))
    assert _notes(store, plain, OTHERWISE["points"]) == (0, (run.NOTHING_NEW,))


def test_mails_that_were_read_and_a_log_that_is_empty(tmp_path: Path) -> None:
    """Of the first it is said that nothing is new; of the second that it is empty."""
    assert _notes(tmp_path / "mails", _source("reports")) == (270, ())
    assert _notes(tmp_path / "mails", _source("reports")) == (0, (run.NOTHING_NEW,))
    (tmp_path / "log").touch()
    empty = replace(_source("relay-log"), paths=(str(tmp_path / "log"),))
    for _ in range(2):
        assert _notes(tmp_path / "store", empty) == (0, ())


def test_every_event_has_its_proof(plain: Source, whole: Log) -> None:
    """The evidence of each event is the line at its offset."""
    text = Path(plain.paths[0]).read_bytes()
    assert set(whole.evidence) == set(whole.events)
    for key, event in whole.events.items():
        assert event.offset is not None
        assert whole.evidence[key] == text[event.offset :].partition(b"\n")[0]


def test_raw_text_is_optional(plain: Source, tmp_path: Path) -> None:
    """Where the declaration says so, no raw text goes into the log."""
    log = Log()
    _collector(Writer(log), tmp_path / "store", plain, replace(DAY, keep_raw=False)).read()
    assert log.events
    assert not log.evidence


def test_proof_is_bounded(tmp_path: Path) -> None:
    """Of a long piece only the beginning is kept as proof."""
    said = b'{"kind":"read","occurred_at":1795424401250000,"message_id":"a@b","recipient":"c@d","attributes":["'
    line = said + b"x" * 9000 + b'"]}\n'
    (tmp_path / "log").write_bytes(line)
    log = Log()
    _collector(Writer(log), tmp_path / "store", Source(name="j", kind="jsonl", paths=(str(tmp_path / "log"),))).read()
    assert list(log.evidence.values()) == [line[:RAW]]


def test_a_failed_acknowledgement_stores_nothing(plain: Source, tmp_path: Path) -> None:
    """What is not acknowledged is not stored: the collector says so, and the next one begins where the last stored."""
    log, store = Log(), tmp_path / "store"
    with pytest.raises(Unavailable):
        _collector(Writer(log, failing=0), store, plain).read()
    assert checkpoint.load(store) is None
    assert not log.events


def test_an_import_claims_nothing_until_its_end(plain: Source, tmp_path: Path) -> None:
    """Reading claims nothing; the end is one claim, and never goes back."""
    log = Log()
    collector = _collector(Writer(log), tmp_path / "store", plain)
    collector.read()
    assert log.claims == []
    assert DAY.until is not None
    collector.finish(DAY.until)
    assert log.claims == [DAY.until]


def test_one_collector_a_source(plain: Source, tmp_path: Path) -> None:
    """Two collectors of one source would tread on each other: the second is refused."""
    with checkpoint.alone(tmp_path / "store"), pytest.raises(Misuse, match="is being collected by another process"):
        _collector(Writer(Log()), tmp_path / "store", plain).read()


def test_a_disk_that_is_full(plain: Source, tmp_path: Path) -> None:
    """Where the checkpoint cannot be stored it is said, and what was acknowledged stays."""
    log = Log()
    (tmp_path / "store.new").mkdir()
    with pytest.raises(Unavailable, match="cannot be stored"):
        _collector(Writer(log), tmp_path / "store", plain).read()
    (tmp_path / "store.new").rmdir()
    _collector(Writer(log), tmp_path / "store", plain).read()
    assert len({key for topic, key, _ in log.records if topic == "evidence"}) == len(log.events)


@pytest.mark.parametrize("name", [source.name for source in DAY.sources])
def test_every_source_of_the_day(name: str, tmp_path: Path) -> None:
    """Every kind of evidence of the sample day is understood, proven, and not read twice."""
    log, store = Log(), tmp_path / "store"
    for events in (True, False):
        collector = _collector(Writer(log), store, _source(name))
        collector.read()
        assert not collector.parser.counts.unread
        assert bool(collector.parser.counts.events) is events
    assert set(log.evidence) == set(log.events)
    assert all(log.evidence.values())


def test_an_event_that_no_record_holds(tmp_path: Path) -> None:
    """A line of 1 MB may give an event that a broker refuses for ever: it is counted, and the rest goes on."""
    prefix = b"2026-11-23T23:27:25.000000+00:00 store dovecot: lmtp(carol@d)<1><s>: save: box=INBOX, uid=%d, "
    lines = [prefix % number + b"msgid=<%s@x>, size=1, flags=()\n" % text for number, text in enumerate(LONG)]
    (tmp_path / "log").write_bytes(b"".join(lines))
    log = Log()
    collector = _collector(
        Writer(log), tmp_path / "store", replace(_source("store-log"), paths=(str(tmp_path / "log"),))
    )
    collector.read()
    assert len(log.events) == collector.parser.counts.events == 2
    assert collector.parser.counts.unread == {"an event that is too long for a record": 1}
    assert [said.offset for said in collector.parser.counts.examples] == [len(lines[0])]
