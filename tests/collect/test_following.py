"""Following a source as it is written: every line once, and no claim that is more than what was read."""

import lzma
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.collect import checkpoint, follow, lookers, run, sources
from streams.collect.checkpoint import Checkpoint
from streams.collect.declaration import Source
from streams.collect.rotation import GONE
from streams.collect.run import ALIVE_EVERY, Collector
from streams.kafka import progress
from streams.wall import Wall
from tests.collect.broker import Killed, Log, Writer
from tests.collect.postfix_logs import DATA

SECOND = 1_000_000
DAY = sources.read(DATA / "day" / "sources.toml")
RELAY = replace(next(source for source in DAY.sources if source.name == "relay-log"), live=True)
LINES = lzma.decompress(Path(RELAY.paths[0]).read_bytes()).splitlines(keepends=True)[:600]
Step = Callable[[], object]


class Script(threading.Event):
    """What happens each time that the collector has nothing to do; in the end, it is told to stop."""

    def __init__(self, *steps: Step) -> None:
        """Take the steps."""
        super().__init__()
        self._steps = iter(steps)
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """The next step, in place of waiting."""
        self.waits.append(timeout or 0)
        step = next(self._steps, self.set)
        step()
        return self.is_set()


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint and a claim after every look, and small looks."""
    monkeypatch.setattr(run, "LIVE_EVERY", 0.0)
    monkeypatch.setattr(run, "ALIVE_EVERY", 0.0)
    monkeypatch.setattr(follow, "CHUNK", 1 << 13)
    monkeypatch.setattr(lookers, "SHARE", 0)


def _follow(log: Log, path: Path, script: Script, *, calls: int = -1, source: Source = RELAY) -> Collector:
    source = replace(source, paths=(str(path),))
    store = path.parent / "store"
    collector = Collector(source=source, declaration=DAY, writer=Writer(log, calls=calls), store=store)
    collector.follow(script)
    return collector


def _append(path: Path, *lines: bytes) -> Step:
    def step() -> None:
        with path.open("ab") as file:
            file.writelines(lines)

    return step


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """What comes of the whole log, read once."""
    path = tmp_path_factory.mktemp("whole") / "mail.log"
    path.write_bytes(b"".join(LINES))
    log = Log()
    _follow(log, path, Script())
    return log


def test_lines_as_they_are_written(tmp_path: Path, whole: Log) -> None:
    """What is written while it is followed is the same as what was there before, and is not read again."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(LINES[:200]))
    log = Log()
    _follow(log, path, Script(_append(path, *LINES[200:400]), _append(path, *LINES[400:500])))
    again = _follow(log, path, Script(_append(path, *LINES[500:])))
    assert again.parser.counts.pieces == 100
    assert log.events.keys() == whole.events.keys()


def test_a_claim_is_of_the_last_second_before_the_look(tmp_path: Path) -> None:
    """With everything read, the claim is the second before the one in which it looked."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(LINES))
    log = Log()
    before = time.time_ns() // 1000
    collector = _follow(log, path, Script())
    after = time.time_ns() // 1000
    assert collector.claimed == log.claims[-1]
    assert before - 2 * SECOND < log.claims[-1] <= after - SECOND
    assert log.claims[-1] % SECOND == 0
    assert log.claims == sorted(log.claims)


def test_a_claim_is_known_from_before(tmp_path: Path) -> None:
    """What was claimed stays claimed for who begins again and hears nothing of the brokers; at first nothing is."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(LINES))
    store, source = tmp_path / "store", replace(RELAY, paths=(str(path),))
    assert Collector(source=source, declaration=DAY, writer=Writer(Log()), store=store).claimed == 0
    log = Log()
    _follow(log, path, Script())
    assert Collector(source=source, declaration=DAY, writer=Writer(Log()), store=store).claimed >= log.claims[-1]


def test_a_source_that_is_behind_lives_and_claims_nothing_more(tmp_path: Path) -> None:
    """While there is more to read, only what is before the first line is claimed."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(LINES))
    log = Log()
    _follow(log, path, Script())
    first = min(event.occurred_at for event in log.events.values())
    behind = [claim for claim in log.claims if claim < first]
    assert len(behind) > 5
    assert {claim // SECOND for claim in behind} == {first // SECOND - 1}


def test_a_clock_that_is_wrong_is_told(tmp_path: Path) -> None:
    """What was there before is only old; what is written while we look shows how wrong the host's clock is."""
    log, path = Log(), tmp_path / "relay.log"
    path.write_bytes(b"".join(LINES[:100]))
    told: list[list[int | None]] = []

    def look() -> None:
        told.append([progress.read(value)["skew"] for topic, _, value in log.records if topic == "progress"])

    _follow(log, path, Script(look, _append(path, *LINES[100:200]), look))
    assert set(told[0]) == {None}
    skew = told[-1][-1]
    assert skew is not None
    assert abs(skew) > 60 * SECOND  # the sample day is not today


def test_a_claim_that_has_not_moved_is_told_more_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says only that the source lives, every two seconds; one that has moved is told at the next checkpoint."""
    monkeypatch.setattr(run, "LIVE_EVERY", 0.5)
    monkeypatch.setattr(run, "ALIVE_EVERY", ALIVE_EVERY)
    path, log, now, told = tmp_path / "mail.log", Log(), [1_795_500_000.0], [0]
    path.write_bytes(b"".join(LINES[:100]) + LINES[100][:20])  # half a line: the claim does not go on

    def passes() -> None:
        now[0] += 0.25

    def ends() -> None:
        told[0] = len(log.claims)
        _append(path, LINES[100][20:])()

    wall = Wall(now=lambda: round(now[0] * SECOND), monotonic=lambda: now[0])
    source = replace(RELAY, paths=(str(path),))
    collector = Collector(source=source, declaration=DAY, writer=Writer(log), store=tmp_path / "store", wall=wall)
    collector.follow(Script(*[passes] * 40, ends, *[passes] * 40))
    behind, ahead = log.claims[: told[0]], log.claims[told[0] :]
    assert (len(behind), len(set(behind))) == (6, 1)  # in 10 seconds
    assert len(ahead) == len(set(ahead)) == 11  # a second each


def test_half_a_line_is_not_all(tmp_path: Path) -> None:
    """While a line is being written, the claim does not go on: its fact may be older than it."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(LINES[:100]) + LINES[100][:20])
    log = Log()
    seen: list[int] = []
    collector = _follow(log, path, Script(lambda: seen.append(max(log.claims)), _append(path, LINES[100][20:])))
    assert seen[0] < min(event.occurred_at for event in log.events.values())
    assert max(log.claims) > max(event.occurred_at for event in log.events.values())
    assert collector.parser.counts.pieces == 101
    assert not collector.parser.counts.unread


def test_a_log_that_is_away_claims_nothing(tmp_path: Path, whole: Log, caplog: pytest.LogCaptureFixture) -> None:
    """A log that does not exist yet is waited for, which is said once; when it comes, it is read from its beginning."""
    path = tmp_path / "mail.log"
    log = Log()
    silence: list[int] = []
    _follow(log, path, Script(lambda: None, lambda: silence.append(len(log.records)), _append(path, *LINES)))
    assert silence == [0]
    assert caplog.text.count(f"waiting for {path}") == 1
    assert log.events.keys() == whole.events.keys()


def test_what_is_not_understood_is_said_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever follows may never end: the first of each reason is logged with its place, however many come of it."""
    path, log = tmp_path / "mail\x1b[2J.log", Log()
    path.write_bytes(b"".join(LINES[:10]))
    place = path.stat().st_size
    said: list[list[str]] = []
    script = Script(
        _append(path, *[b"no time\n"] * 50),
        lambda: said.append(list(caplog.messages)),
        lambda: path.open("wb").close(),
        _append(path, *[b"no time either\n"] * 50),
        lambda: said.append(list(caplog.messages)),
    )
    collector = _follow(log, path, script)
    assert collector.parser.counts.unread == {"no time that can be read": 100, "what was read is gone": 1}
    (first,), (_, second) = said
    assert first.endswith(f"mail [2J.log:{place}: no time that can be read")
    assert "mail [2J.log:" in second
    assert second.endswith(GONE)
    assert caplog.messages == said[1]


def test_what_was_said_is_not_said_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A collector that takes up the counts of one whose broker was away does not repeat its warnings."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"no time\n" * 50)
    counts = _follow(Log(), path, Script()).parser.counts
    assert len(caplog.messages) == 1
    store = tmp_path / "other"
    again = Collector(source=replace(RELAY, paths=(str(path),)), declaration=DAY, writer=Writer(Log()), store=store)
    again.parser.counts.add(counts)
    again.follow(Script())
    assert again.parser.counts.unread.total() == 100
    assert len(caplog.messages) == 1


KILLED = st.integers(0, 12)
"""After how many calls of the writer the collector is killed."""

STEPS = st.lists(st.sampled_from(["write", "write", "rename", "truncate"]) | KILLED, max_size=14)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_killed_between_rotations(whole: Log, steps: list[str | int]) -> None:
    """Whatever is written, rotated and killed in whatever order, the events are those of the whole log."""
    with TemporaryDirectory() as name:
        path, log, written = Path(name) / "mail.log", Log(), 0
        path.touch()
        _follow(log, path, Script())
        for step in steps:
            match step:
                case "write":
                    _append(path, *LINES[written : written + 60])()
                    written = min(written + 60, len(LINES))
                case "rename":
                    _shift(path)
                    path.rename(f"{path}.1")
                    path.touch()
                case "truncate":
                    _shift(path)
                    Path(f"{path}.1").write_bytes(path.read_bytes())
                    path.open("wb").close()
                case calls:
                    with suppress(Killed):
                        _follow(log, path, Script(), calls=int(calls))
        _append(path, *LINES[written:], b"\n")()
        _follow(log, path, Script())
        assert log.events.keys() == whole.events.keys()
        assert log.evidence.keys() == log.events.keys()


def _shift(path: Path) -> None:
    for number in range(14, 0, -1):
        with suppress(FileNotFoundError):
            Path(f"{path}.{number}").rename(f"{path}.{number + 1}")


def test_a_followed_maildir(tmp_path: Path) -> None:
    """Reports are read as they arrive, each once, also after a restart."""
    folder = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    source = Source(name="reports", kind="reports", live=True)
    mails = [b"Subject: hello %d\n\nno report\n" % number for number in range(3)]

    def deliver(number: int) -> Step:
        return lambda: (folder / "new" / str(number)).write_bytes(mails[number])

    log = Log()
    first = _follow(log, folder, Script(deliver(0), deliver(1)), source=source)
    second = _follow(log, folder, Script(deliver(2)), source=source)
    assert (first.parser.counts.pieces, second.parser.counts.pieces) == (2, 1)


@pytest.mark.parametrize("kind", ["reports", "postfix"])
def test_what_has_nothing_new_is_not_stored_again(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim goes on by the second; that alone is stored once a minute, and in the end."""
    now, log, stores, save = [1_795_500_000.0], Log(), list[Checkpoint](), checkpoint.save
    path = tmp_path / "evidence"
    if kind == "reports":
        path.mkdir()

    def stored(path: Path, at: Checkpoint) -> None:
        save(path, at)
        stores.append(at)

    def passes() -> None:
        now[0] += 0.5

    def arrives() -> None:
        (path / "1.eml").write_bytes(b"Subject: x\n\nno report\n") if kind == "reports" else _append(path, LINES[0])()

    monkeypatch.setattr(checkpoint, "save", stored)
    wall = Wall(now=lambda: round(now[0] * SECOND), monotonic=lambda: now[0])
    source = Source(name="s", kind=kind, live=True, paths=(str(path),))
    collector = Collector(source=source, declaration=DAY, writer=Writer(log), store=tmp_path / "store", wall=wall)
    collector.follow(Script(arrives, *[passes] * 250))
    assert max(log.claims) == stores[-1].claimed == 1_795_500_124 * SECOND
    assert len(stores) <= 7
    assert checkpoint.load(tmp_path / "store") == stores[-1]
    alike = {msgspec.structs.replace(one, claimed=0) for one in stores[-4:]}
    assert len(alike) == 1


def test_the_memory_of_a_followed_log_is_stored(tmp_path: Path) -> None:
    """What an entry said before the collector was stopped is known afterwards: both parts are the whole."""
    path, log = tmp_path / "mail.log", Log()
    for number, line in enumerate(LINES[:60]):
        _append(path, line)()
        if number % 7 == 0:
            _follow(log, path, Script())
    _follow(log, path, Script())
    whole = Log()
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "mail.log").write_bytes(b"".join(LINES[:60]))
    _follow(whole, tmp_path / "w" / "mail.log", Script())
    timeless = [
        {key: msgspec.structs.replace(event, observed_at=0, file=None) for key, event in one.events.items()}
        for one in (log, whole)
    ]
    assert timeless[0] == timeless[1]
