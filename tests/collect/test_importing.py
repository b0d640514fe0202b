"""Imports: what is missing is refused or said, never taken for silence."""

import gzip
import io
import lzma
import tarfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from streams.collect import checkpoint, importing, sources
from streams.collect.declaration import Declaration, Source
from streams.collect.importing import refuse_incomplete, refuse_missing
from streams.collect.parser import Counts
from streams.collect.run import Collector
from streams.core.clock import Tick
from streams.core.errors import Misuse, Unavailable, Undecodable
from streams.settings import Settings
from streams.track import ticks
from streams.track.ticks import TICK
from tests.collect.broker import Log, Writer
from tests.collect.postfix_logs import DATA
from tests.kafka.memory import MemoryLog, put

DAY = sources.read(DATA / "day" / "sources.toml")
RELAY = next(source for source in DAY.sources if source.name == "relay-log")
LINES = lzma.decompress(Path(RELAY.paths[0]).read_bytes()).splitlines(keepends=True)[:400]


def _read(folder: Path, log: Log, source: Source) -> Counts:
    """What becomes of a source that is imported, or imported again."""
    collector = Collector(source=source, declaration=DAY, writer=Writer(log), store=folder / "store")
    collector.read()
    return collector.parser.counts


def _said(counts: Counts) -> str:
    with pytest.raises(Undecodable) as refused:
        refuse_incomplete({"whole": Counts(), "relay-log": counts})
    assert refused.value.exit_code == 1
    return str(refused.value)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    """A path that does not exist, leads nowhere, or goes through a file; standard input and a folder are there."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("none")
    refuse_missing([replace(RELAY, paths=("-", str(tmp_path), str(tmp_path / "file")))])
    for name in ("none", "link", "file/none"):
        with pytest.raises(Misuse, match=f"There is no {tmp_path / name} "):
            refuse_missing([replace(RELAY, paths=(str(tmp_path), str(tmp_path / name)))])


@pytest.mark.parametrize("error", [None, Unavailable("no broker")], ids=["taken", "away"])
def test_an_import_that_is_interrupted_takes_back_what_it_declared(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    """The clock of the live sources beside it would wait for ever; where the log does not take it, it is said."""
    taken_back = list[str]()

    def end(_settings: Settings, names: Iterable[str]) -> None:
        taken_back.extend(names)
        if error:
            raise error

    monkeypatch.setattr(importing, "declare", lambda *_, **__: 0)
    monkeypatch.setattr(importing, "end", end)
    monkeypatch.setattr(importing, "KafkaLog", MemoryLog)
    with importing.Import(Settings(), DAY):
        pass
    assert not taken_back
    with pytest.raises(KeyboardInterrupt), importing.Import(Settings(), DAY):
        raise KeyboardInterrupt
    assert taken_back == [source.name for source in DAY.sources]
    assert [f"custody withdraw {' '.join(taken_back)}" in said for said in caplog.messages] == [True] * bool(error)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """A ledger that was told its sources."""
    log = MemoryLog(Settings(partitions=2))
    monkeypatch.setattr(importing, "declare", lambda *_, **__: 0)
    monkeypatch.setattr(importing, "end", lambda *_: None)
    monkeypatch.setattr(importing, "KafkaLog", lambda _: log)
    return log


@pytest.fixture
def relay(tmp_path: Path) -> Declaration:
    """A log of a hundred lines."""
    (tmp_path / "mail.log").write_bytes(b"".join(LINES[:100]))
    return replace(DAY, sources=(replace(RELAY, paths=(str(tmp_path / "mail.log"),)),))


def _grow(folder: Path) -> None:
    """Another hundred lines."""
    with (folder / "mail.log").open("ab") as file:
        file.writelines(LINES[100:200])


def _imported(folder: Path, declaration: Declaration, *, is_killed: bool = False) -> int:
    """Where an import ends; it may be killed before it says so."""
    job = importing.Import(Settings(data=folder), declaration)
    job.read(declaration.sources[0], lambda *_: None)
    return 0 if is_killed else job.finish()


def test_what_a_second_import_completes_is_judged(kafka: MemoryLog, relay: Declaration, tmp_path: Path) -> None:
    """The clock stands where the first one ended: it goes on by as little as can be, if something is new."""
    until = DAY.until or 0
    assert [_imported(tmp_path, relay) for _ in range(2)] == [until, until]
    _grow(tmp_path)
    assert [_imported(tmp_path, relay) for _ in range(2)] == [until + 1, until]
    assert importing.reached(kafka) == until + 1


@pytest.mark.usefixtures("kafka")
def test_what_an_import_read_that_was_killed_is_judged(relay: Declaration, tmp_path: Path) -> None:
    """All was read when it died, and nothing was claimed: the next finds nothing new, and has to claim it."""
    until = DAY.until or 0
    _imported(tmp_path, relay)
    _grow(tmp_path)
    _imported(tmp_path, relay, is_killed=True)
    assert [_imported(tmp_path, relay) for _ in range(2)] == [until + 1, until]


def test_what_is_read_after_a_clock_of_live_sources_is_judged(
    kafka: MemoryLog, relay: Declaration, tmp_path: Path
) -> None:
    """They were withdrawn: of how far they were its ticks alone tell, also one that not every partition has."""
    until = DAY.until or 0
    _imported(tmp_path, relay)
    for number in range(2):
        put(kafka, "message-events", [(TICK, ticks.encoded(Tick(through=until + 50), "main"))], number)
    put(kafka, "message-events", [(TICK, ticks.encoded(Tick(through=until + 90), "main")), (b"k", b"v")], 1)
    assert _imported(tmp_path, relay) == until
    _grow(tmp_path)
    assert [_imported(tmp_path, relay) for _ in range(2)] == [until + 91, until]


@pytest.mark.usefixtures("kafka")
def test_who_follows_after_an_import_claims_nothing_that_it_did_not_see(relay: Declaration, tmp_path: Path) -> None:
    """An import's declared end may be later than all that it read; its checkpoint does not say so to a follower."""
    _imported(tmp_path, replace(relay, until=time.time_ns() // 1000))
    stored = checkpoint.load(importing.store_of(Settings(data=tmp_path), relay.sources[0]))
    assert stored
    assert stored.claimed < (DAY.until or 0)
    assert not stored.is_unclaimed


@pytest.mark.usefixtures("kafka")
def test_what_another_reads_by_now_it_claims_itself(relay: Declaration, tmp_path: Path) -> None:
    """Its checkpoint is not replaced, and the import comes to its end."""
    store = importing.store_of(Settings(data=tmp_path), relay.sources[0])
    job = importing.Import(Settings(data=tmp_path), relay)
    job.read(relay.sources[0], lambda *_: None)
    with checkpoint.alone(store):
        assert job.finish() == DAY.until
    stored = checkpoint.load(store)
    assert stored
    assert stored.is_unclaimed


def test_an_import_that_could_not_begin_says_why_and_no_more(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Without brokers nothing was declared, so nothing is to be withdrawn."""
    with pytest.raises(Unavailable, match="No Kafka broker is set"):
        importing.Import(Settings(data=tmp_path), DAY)
    assert caplog.messages == []


def test_what_is_to_be_withdrawn_is_withdrawn_from_its_own_ledger(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The command stands on a line of its own, to be pasted."""

    def away(*_: object) -> None:
        raise Unavailable("no broker")

    monkeypatch.setattr(importing, "declare", lambda *_, **__: 0)
    monkeypatch.setattr(importing, "end", away)
    monkeypatch.setattr(importing, "KafkaLog", MemoryLog)
    with pytest.raises(KeyboardInterrupt), importing.Import(Settings(ledger="r2", data=Path("a b")), DAY):
        raise KeyboardInterrupt
    (said,) = caplog.messages
    names = " ".join(source.name for source in DAY.sources)
    assert said.splitlines()[-1] == f"  custody withdraw --ledger r2 --data 'a b' {names}"


def test_a_damaged_log_makes_its_source_incomplete(tmp_path: Path) -> None:
    """All else is read, the end says where something is missing, and once it is mended only that is read."""
    packed, log = gzip.compress(b"".join(LINES[:200])), Log()
    source = replace(RELAY, paths=(str(tmp_path / "mail.log.1.gz"), str(tmp_path / "mail.log")))
    (tmp_path / "mail.log.1.gz").write_bytes(packed[:-9])
    (tmp_path / "mail.log").write_bytes(b"".join(LINES[200:]))
    first = _read(tmp_path, log, source)
    assert first.pieces >= 200
    for counts in (first, _read(tmp_path, log, source)):
        assert _said(counts).startswith(f"Source relay-log is incomplete: {tmp_path}/mail.log.1.gz:")
    (tmp_path / "mail.log.1.gz").write_bytes(packed)
    mended = _read(tmp_path, log, source)
    refuse_incomplete({"relay-log": mended})
    assert first.pieces + mended.pieces == 400


def test_what_makes_a_source_incomplete(tmp_path: Path) -> None:
    """A log without its end, and a file that is gone when its turn comes; an empty one and a bad line do not."""
    (tmp_path / "cut.log").write_bytes(LINES[0] + LINES[1][:30])
    (tmp_path / "empty.log").touch()
    (tmp_path / "odd.log").write_bytes(b"no time\n")
    paths = tuple(str(tmp_path / name) for name in ("cut.log", "empty.log", "gone.log", "odd.log"))
    counts = _read(tmp_path, Log(), replace(RELAY, paths=paths))
    assert [Path(one.file).name for one in counts.incomplete] == ["cut.log", "gone.log"]
    assert counts.unread.total() == 4
    assert _said(counts) == (
        f"Source relay-log is incomplete: {paths[0]}:{len(LINES[0])}: "
        "the last line has no end: the file is cut off, and 1 more."
    )
    refuse_incomplete({"relay-log": _read(tmp_path / "empty", Log(), replace(RELAY, paths=paths[1:2]))})


def test_a_damaged_file_of_mails_is_not_taken_for_read(tmp_path: Path) -> None:
    """It is said each time that it is read, until it is mended: then its mails are read once."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for number in range(3):
            mail = tarfile.TarInfo(f"{number}.eml")
            mail.size = 5000
            tar.addfile(mail, io.BytesIO(b"Subject: no report\n\n" + b"x" * 4980))
    file, log = tmp_path / "mails.tar", Log()
    source = Source(name="reports", kind="reports", paths=(str(file),))
    file.write_bytes(archive.getvalue()[:12_000])
    for _ in range(2):
        assert "mails.tar" in _said(_read(tmp_path, log, source))
    file.write_bytes(archive.getvalue())
    read = [_read(tmp_path, log, source) for _ in range(2)]
    assert [(counts.pieces, counts.incomplete) for counts in read] == [(3, []), (0, [])]
