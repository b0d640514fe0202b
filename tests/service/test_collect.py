"""Collecting into a real broker: killed in the middle, stopped in order, followed while it is away."""

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.collect import checkpoint
from streams.core.errors import Misuse
from streams.core.events import MessageEvent
from streams.kafka import progress
from streams.kafka.broker import KafkaLog
from streams.kafka.ranges import read_range
from streams.settings import Settings, load, running
from streams.track.timekeeper import Timekeeper
from streams.wire import envelope
from tests.conftest import Started
from tests.waiting import until

pytestmark = pytest.mark.service

DAY = Path(__file__).parent.parent / "data" / "day"
PATIENCE = 120


STARTED: list["Collect"] = []


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """No collector outlives its test."""
    yield
    while STARTED:
        STARTED.pop().kill()


class Collect:
    """`custody collect` or `custody import` in a process of its own."""

    def __init__(self, settings: Settings, data: Path, *arguments: str) -> None:
        """Start it with a data directory of its own, so that checkpoints of tests do not meet."""
        self.data, self.ledger = data, settings.ledger
        command = (sys.executable, "-m", "streams.cli", *arguments, "--data", str(data), "--ledger", settings.ledger)
        environment = {
            **os.environ,
            "CUSTODY_KAFKA_BROKERS": str(settings.kafka_brokers),
            "CUSTODY_REPLICATION_FACTOR": "1",
            "CUSTODY_MIN_INSYNC_REPLICAS": "1",
        }
        STARTED.append(self)
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            (*command, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def checkpoint(self, source: str) -> checkpoint.Checkpoint | None:
        """What it has stored."""
        return checkpoint.load(self.data / "collect" / self.ledger / f"{source}.checkpoint")

    def end(self) -> dict[str, Any]:
        """Wait for its end; returns what it says."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        said: dict[str, Any] = json.loads(out)
        return said

    def stop(self) -> dict[str, Any]:
        """Stop it in order; returns what it says."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def kill(self) -> None:
        """End it at once."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def settings(stack: Settings, ledger: str) -> Settings:
    """Settings of a ledger of the test's own."""
    return load(data=stack.data, ledger=ledger)


def events(settings: Settings) -> dict[bytes, MessageEvent]:
    """The events of a ledger by id."""
    found = [envelope.decode(value) for batch in read_range(settings, "message-events") for value in batch.values]
    return {event.event_id: event for event in found}


def proven(settings: Settings) -> set[bytes]:
    """The ids of events whose raw text is in a ledger."""
    return {key or b"" for batch in read_range(settings, "evidence") for key in batch.keys}


def through(settings: Settings, source: str) -> int:
    """How far a source claims to be."""
    said = (
        one
        for one in progress.all_progress(KafkaLog(settings))
        if one["source"] == source and one["kind"] == "progressed"
    )
    return max((one["through"] for one in said), default=0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that is written: empty."""
    path = tmp_path / "mail.log"
    path.touch()
    return path


def relay() -> list[bytes]:
    """The lines of the sample day's relay."""
    return lzma.decompress((DAY / "relay.log.xz").read_bytes()).splitlines(keepends=True)


FOLLOW = ("--sources", str(DAY / "sources.toml"), "--source", "relay-log", "--follow")


def follow(settings: Settings, data: Path, log: Path) -> Collect:
    """A collector that follows the relay's log."""
    return Collect(settings, data, "collect", "postfix", str(log), *FOLLOW)


@pytest.fixture
def expected(settings: Settings, tmp_path: Path) -> dict[bytes, MessageEvent]:
    """The events of the whole log, read in one go."""
    whole = load(data=settings.data, ledger=f"{settings.ledger}w")
    (tmp_path / "whole.log").write_bytes(b"".join(relay()))
    said = Collect(whole, tmp_path / "w", "collect", "postfix", str(tmp_path / "whole.log"), *FOLLOW[:-1]).end()
    found = events(whole)
    assert said["events"] == len(found) > 4000
    return found


def test_killed_in_the_middle_and_started_again(
    settings: Settings, tmp_path: Path, log: Path, expected: dict[bytes, MessageEvent]
) -> None:
    """A follower killed at eight moments, while the log is written and rotated, leaves each event once, proven."""
    lines = relay()
    follower = follow(settings, tmp_path / "d", log)
    for number in range(8):
        before = follower.checkpoint("relay-log")
        with log.open("ab") as file:
            file.writelines(lines[number * len(lines) // 8 : (number + 1) * len(lines) // 8])
        if number % 2:  # killed when it has stored something new, or before it came to anything
            until(lambda: follower.checkpoint("relay-log") != before, "a checkpoint")  # noqa: B023 - asked at once
        follower.kill()
        if number in {2, 5}:
            log.rename(log.with_name(f"mail.log-{number}"))
            log.touch()
        follower = follow(settings, tmp_path / "d", log)
    until(lambda: len(events(settings)) >= len(expected), "all events")
    said = follower.stop()
    assert events(settings).keys() == expected.keys() == proven(settings)
    assert not said["unread"]


def test_stopped_in_order(settings: Settings, tmp_path: Path, log: Path) -> None:
    """SIGTERM ends a follower when all that it has is acknowledged and stored; it claims what it looked at, no more."""
    log.write_bytes(b"".join(relay()[:500]) + b"Nov 23 22:48:16 half a line")  # before anybody can see it empty
    follower = follow(settings, tmp_path / "d", log)
    until(lambda: follower.checkpoint("relay-log") and events(settings), "events")
    until(lambda: through(settings, "relay-log"), "a claim")
    first = min(event.occurred_at for event in events(settings).values())
    assert through(settings, "relay-log") < first  # with half a line it has not seen everything
    with log.open("ab") as file:
        file.write(b"\n")
    until(lambda: through(settings, "relay-log") > first, "a claim of now")
    said = follower.stop()
    assert time.time_ns() // 1000 - 60_000_000 < through(settings, "relay-log") < time.time_ns() // 1000
    assert said["pieces"] == 501


def test_a_log_that_is_away_is_waited_for(settings: Settings, tmp_path: Path) -> None:
    """A log that is not there yet is waited for without a claim, and read from its beginning when it comes."""
    log = tmp_path / "mail.log"
    follower = follow(settings, tmp_path / "d", log)
    until(lambda: follower.checkpoint("relay-log"), "a checkpoint")
    assert not through(settings, "relay-log")
    log.write_bytes(b"".join(relay()[:500]))
    until(lambda: events(settings), "events")
    until(lambda: through(settings, "relay-log"), "a claim")
    follower.stop()


def test_a_broker_that_is_away_is_waited_for(
    tmp_path: Path, ledger: str, start_stack: type[Started], log: Path
) -> None:
    """A follower that outlives its broker says so, waits, and loses nothing."""
    data = tmp_path / "stack"
    with start_stack(data) as stack:
        settings = load(data=data, ledger=ledger)
        follower = follow(settings, tmp_path / "d", log)
        until(lambda: follower.checkpoint("relay-log"), "a checkpoint")
        part = running(data)
        assert part is not None
        os.kill(part.processes["kafka"], signal.SIGKILL)
        log.write_bytes(b"".join(relay()[:1000]))
        until(
            lambda: (now := running(data)) and now.processes["kafka"] not in {0, part.processes["kafka"]},
            "a new broker",
        )
        until(lambda: follower.checkpoint("relay-log").through, "an acknowledgement")  # type: ignore[union-attr]
        said = follower.stop()
        assert len(events(settings)) == said["events"] > 0
        del stack


def test_an_import_in_any_order(settings: Settings, tmp_path: Path) -> None:
    """The sample day imported in two orders is the same set of events, and ends where it says."""
    names = ["origin-log", "relay-log", "dest-log", "store-log", "reports"]
    other = load(data=settings.data, ledger=f"{settings.ledger}o")
    for ledger, order in ((settings, names), (other, names[::-1])):
        said = Collect(ledger, tmp_path / "d", "import", str(DAY / "sources.toml"), "--order", ",".join(order)).end()
        assert not any(counts["unread"] for counts in said["sources"].values())
        assert through(ledger, "reports") == said["through"]
    assert events(settings).keys() == events(other).keys()


def test_an_import_of_a_damaged_log(settings: Settings, tmp_path: Path) -> None:
    """All else is read and claimed; the end names the source that is incomplete, and the exit code is 1."""
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"".join(relay()[:1000]))[:-9])
    (tmp_path / "b.log").write_bytes(b"".join(relay()[1000:2000]))
    declared = tmp_path / "sources.toml"
    declared.write_text(
        "".join(
            f'[[sources]]\nname = "{name}"\nkind = "postfix"\nyear = 2026\npaths = ["{path}"]\n'
            for name, path in (("broken", "a.log.gz"), ("whole", "b.log"))
        ),
        encoding="utf-8",
    )
    importer = Collect(settings, tmp_path / "d", "import", str(declared))
    out, err = importer.process.communicate(timeout=PATIENCE)
    assert importer.process.returncode == 1
    assert f"\ncustody: Source broken is incomplete: {tmp_path}/a.log.gz:" in err  # that nothing is ours is said before
    said = json.loads(out)
    assert said["sources"]["whole"]["pieces"] == 1000
    assert (len(said["sources"]["broken"]["incomplete"]), said["sources"]["whole"]["incomplete"]) == (1, [])
    assert through(settings, "whole") == through(settings, "broken") == said["through"]
    again = Collect(settings, tmp_path / "d", "collect", "postfix", "--sources", str(declared), "--source", "broken")
    assert "Source broken is incomplete" in again.process.communicate(timeout=PATIENCE)[1]
    assert again.process.returncode == 1


def test_an_import_holds_no_live_clock(settings: Settings, tmp_path: Path, log: Path) -> None:
    """What is imported beside live sources is withdrawn when it has ended: the clock goes on without it."""
    follower = follow(settings, tmp_path / "d", log)
    until(lambda: follower.checkpoint("relay-log"), "a checkpoint")
    Collect(settings, tmp_path / "d", "collect", "reports", str(DAY / "reports.tar.xz")).end()
    said = [
        (one["source"], one["kind"]) for one in progress.all_progress(KafkaLog(settings)) if one["source"] == "reports"
    ]
    assert said[-1] == ("reports", "withdrawn")
    follower.stop()


TWO = """
[[hosts]]
name = "relay"

[[sources]]
name = "a"
kind = "postfix"
host = "relay"
paths = ["a.log"]

[[sources]]
name = "b"
kind = "postfix"
host = "relay"
paths = ["b.log"]
"""


def clock(settings: Settings) -> int:
    """The tick that a clock writer would write now, microseconds; 0 for none."""
    keeper, now = Timekeeper(), time.time_ns() // 1000
    for said in progress.all_progress(KafkaLog(settings)):
        keeper.hear(said, now)
    tick = keeper.tick(now)
    return tick.through if tick else 0


def test_what_was_imported_holds_no_clock(settings: Settings, tmp_path: Path) -> None:
    """Neither for what is imported after it, nor for one of the same sources that is followed from then on."""
    (tmp_path / "sources.toml").write_text(TWO)
    lines = relay()
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(b"".join(lines[:100]))
    (tmp_path / "c.log").write_bytes(b"".join(lines[:500]))
    sources, data = str(tmp_path / "sources.toml"), tmp_path / "d"
    first = Collect(settings, data, "import", sources).end()["through"]
    assert clock(settings) == first
    Collect(settings, data, "collect", "postfix", str(tmp_path / "c.log"), "--host", "relay").end()
    assert clock(settings) > first
    follower = Collect(settings, data, "collect", "postfix", "--sources", sources, "--source", "a", "--follow")
    until(lambda: time.time_ns() // 1000 - clock(settings) < 30_000_000, "a clock of today")
    follower.stop()


def test_a_source_that_is_read_no_more_is_withdrawn(settings: Settings, tmp_path: Path, log: Path) -> None:
    """One that the ledger does not wait for is misuse, and nothing is withdrawn then."""
    follower = follow(settings, tmp_path / "d", log)
    until(lambda: follower.checkpoint("relay-log"), "a checkpoint")
    follower.stop()
    where = ["--data", str(settings.data), "--ledger", settings.ledger]
    refused = CliRunner().invoke(custody, ["withdraw", "relay-log", "relay", *where])
    assert isinstance(refused.exception, Misuse)
    assert str(refused.exception).endswith("waits for no source relay.")
    assert refused.exception.hint.startswith("it waits for relay-log")
    assert CliRunner().invoke(custody, ["withdraw", "relay-log", *where]).exit_code == 0
    said = [(one["source"], one["kind"]) for one in progress.all_progress(KafkaLog(settings))]
    assert said[-1] == ("relay-log", "withdrawn")
    assert said.count(said[-1]) == 1
