"""A full disk, under each thing that is stored: it is waited for, it is said, and nothing is lost."""

import logging
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.collect.declaration import Declaration, Source
from streams.collect.restarting import keep_following
from streams.collect.run import Collector
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.progress import all_progress
from streams.kafka.writer import EventWriter
from streams.settings import Settings, load
from streams.warehouse.client import ask, connect
from streams.warehouse.feed import Feeds
from streams.warehouse.store import ClickHouse
from tests import waiting
from tests.core.journeys import journey
from tests.faults.mail import line
from tests.service.test_warehouse import read_now

PATIENCE = 90.0

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.geteuid() != 0, reason="a small disk of our own is mounted, which only root may"),
]


class Disk:
    """A small disk in memory."""

    def __init__(self, path: Path) -> None:
        """It is mounted."""
        self.path = path

    def fill(self) -> None:
        """Leave no room."""
        with (self.path / "filler").open("ab", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Make room again."""
        (self.path / "filler").unlink()


@contextmanager
def disk(path: Path, size: str) -> Iterator[Disk]:
    """A disk of a size, at a folder."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)), check=True)  # noqa: S603, S607
    try:
        yield Disk(path)
    finally:
        subprocess.run(("umount", "-l", str(path)), check=True)  # noqa: S603, S607 - the path is ours


def until(there: Callable[[], object], what: str) -> None:
    """Wait for something."""
    waiting.until(there, what, PATIENCE)


@contextmanager
def beside(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Run something in a thread until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def test_a_checkpoint_that_cannot_be_stored_is_waited_for(
    stack: Settings, ledger: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is claimed while the disk is full; all is claimed, and read once, when there is room again."""
    settings = _ledger(stack, ledger)
    evidence = tmp_path / "events.jsonl"
    evidence.write_bytes(b"")
    events = journey(1_795_500_000, "x", key="full@origin.test")
    with disk(tmp_path / "small", "64k") as small, beside(_following(settings, evidence, small)):
        until(lambda: _claims(settings), "claim")
        small.fill()
        evidence.write_bytes(b"".join(line(event) for event in events))
        until(lambda: _refusals(caplog) > 0, "word of the full disk")
        before = len(_claims(settings))  # what was claimed until the evidence was there
        again = _refusals(caplog) + 1
        until(lambda: _refusals(caplog) > again, "a whole life on the full disk")
        assert len(_claims(settings)) == before
        small.free()
        until(lambda: len(_claims(settings)) > before, "claim after there was room")
    there = {key for part in KafkaLog(settings).read_range("evidence") for key in part.keys}
    assert there == {event.event_id for event in events}


def _following(settings: Settings, evidence: Path, small: Disk) -> Callable[[threading.Event], None]:
    def make() -> Collector:
        return Collector(
            source=Source(name="s", kind="jsonl", paths=(str(evidence),), live=True),
            declaration=Declaration(),
            writer=EventWriter(KafkaLog(settings).writer()),
            store=small.path / "s.checkpoint",
        )

    return lambda stop: keep_following(make, stop)


def _refusals(caplog: pytest.LogCaptureFixture) -> int:
    """How often the disk was full."""
    return sum("No space left on device" in said for said in caplog.messages)


def _claims(settings: Settings) -> list[dict[str, Any]]:
    return list(all_progress(KafkaLog(settings)))


def _ledger(stack: Settings, ledger: str) -> Settings:
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    return settings


def test_a_full_warehouse_and_a_full_broker_are_waited_for(
    tmp_path: Path, start_stack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The feed waits while the warehouse is full, writers while Kafka is; with room again all is there, once."""
    caplog.set_level(logging.WARNING)
    with (
        disk(tmp_path / "clickhouse", "300m") as warehouse,
        disk(tmp_path / "kafka" / "storage", "200m") as broker,
        start_stack(tmp_path),
    ):
        settings = load(data=tmp_path)
        feeds = Feeds(KafkaLog(settings), ClickHouse(settings))
        with beside(lambda stop: feeds.run(stop.is_set)):
            count = _write(settings, 0)
            until(lambda: _rows(settings) == count, "rows")
            warehouse.fill()
            count += _write(settings, 1000)
            until(lambda: "The warehouse refuses" in caplog.text, "word of the full warehouse")
            warehouse.free()
            until(lambda: _rows(settings) == count, "rows after there was room in the warehouse")
            broker.fill()
            with beside(lambda _: _write(settings, 2000)):
                until(lambda: "wait for a broker" in caplog.text, "word of the full broker")
                broker.free()
            count += count // 2
            until(lambda: _rows(settings) == count, "rows after there was room in the broker")


def _write(settings: Settings, first: int) -> int:
    """Some journeys into the log; returns how many events, once they are acknowledged."""
    events = [one for n in range(first, first + 300) for one in read_now(journey(n, str(n), key=f"k{n}"))]
    writer = EventWriter(KafkaLog(settings).writer())
    writer.write(events)
    writer.flush()
    return len(events)


def _rows(settings: Settings) -> int:
    return int(ask(connect(settings), "SELECT count() AS n FROM events")[0]["n"])
