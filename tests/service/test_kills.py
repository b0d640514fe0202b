"""Ten parts of a whole stack are killed while a day is written: nothing is lost, and every alarm is told once."""

import json
import lzma
import multiprocessing
import random
import secrets
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import pytest

from streams.collect.declaring import declare
from streams.collect.sources import read as declaration
from streams.core.events import Kind
from streams.kafka.broker import KafkaLog
from streams.kafka.ports import Records
from streams.kafka.progress import progressed
from streams.kafka.writer import Writer
from streams.settings import ROLES, Settings, load, running
from streams.track.replay import compare, live
from streams.warehouse.client import ask
from streams.warehouse.questions import Warehouse
from streams.wire import envelope
from tests.service import trackers
from tests.service.test_pipeline import assert_is_the_oracles, replayed
from tests.service.test_track import DAY, day_log, slices

__all__ = ["day_log"]

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

KILLS = 10
HASTY = 2
"""Kills that do not wait until evidence is written again after the one before."""

PARTS = (*ROLES, "clickhouse", "kafka", "collector")
SPANS = 60
PIECE = 50
"""Records that a collector has acknowledged at a time."""

PACE = 0.1
"""Seconds between pieces: the day lasts longer than the kills."""

PATIENCE = 120.0

Piece = Records | int
"""Records of one partition, or a time up to which everything is written."""


class Collector:
    """Writes a day, piece after piece, in a process of its own; one that was killed goes on from its checkpoint."""

    def __init__(self, settings: Settings, pieces: list[Piece], checkpoint: Path) -> None:
        """Begin."""
        self._given, self._checkpoint = (settings, pieces, checkpoint), checkpoint
        self.pieces = len(pieces)
        checkpoint.touch()
        self._process = self._started()

    @property
    def written(self) -> int:
        """How many pieces are acknowledged."""
        return self._checkpoint.stat().st_size

    def kill(self) -> int:
        """SIGKILL, and another begins; returns which process died."""
        assert self._process.is_alive(), "the collector has ended by itself"
        self._process.kill()
        self._process.join()
        dead, self._process = self._process, self._started()
        assert dead.pid is not None
        return dead.pid

    def wait_for_more(self, written: int) -> None:
        """Wait until more is acknowledged."""
        deadline = time.monotonic() + PATIENCE
        while self.written <= written:
            assert time.monotonic() < deadline, f"nothing was acknowledged after piece {written}"
            time.sleep(0.02)

    def finish(self) -> None:
        """Wait until everything is written."""
        self._process.join(PATIENCE)
        assert self.written == self.pieces

    def end(self) -> None:
        """End it at once."""
        self._process.kill()

    def _started(self) -> BaseProcess:
        process = multiprocessing.get_context("spawn").Process(target=collect, args=self._given, daemon=True)
        process.start()
        return process


def collect(settings: Settings, pieces: list[Piece], checkpoint: Path) -> None:
    """Write what is not written yet; a byte of the checkpoint stands for a piece that was acknowledged."""
    writer = Writer(settings)
    for piece in pieces[checkpoint.stat().st_size :]:
        if isinstance(piece, int):
            for source in declaration(DAY).sources:
                writer.write("progress", *progressed(source.name, piece))
        else:
            for key, value in zip(piece.keys, piece.values, strict=True):
                writer.write("message-events", key, value, piece.partition)
        writer.flush()
        with checkpoint.open("ab") as file:
            file.write(b".")
        time.sleep(PACE)


def cut(day_log: list[Records]) -> list[Piece]:
    """The day in the order of time, with what its sources claim after each span."""
    pieces: list[Piece] = []
    for batches, until in slices(day_log, SPANS):
        for batch in batches:
            pieces += [batch.some(slice(at, at + PIECE)) for at in range(0, len(batch.values), PIECE)]
        pieces.append(min(until, declaration(DAY).until or until))
    return [*pieces, declaration(DAY).until or 0]


def drawn(chance: random.Random) -> list[str]:
    """Who dies, in turn: each part once at least."""
    victims = [*PARTS, *chance.choices(PARTS, k=KILLS - len(PARTS))]
    chance.shuffle(victims)
    return victims


def kill(data: Path, part: str) -> int:
    """SIGKILL of a part, as soon as it has a process, to the death of that; returns which."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline, f"{part} does not run"
        stack = running(data)
        pid = stack.processes[part] if stack else 0
        try:
            process = psutil.Process(pid)
            process.kill()
        except psutil.NoSuchProcess:  # it is just being started again
            time.sleep(0.02)
            continue
        process.wait(PATIENCE)
        return pid


def test_ten_kills_while_a_day_is_written(tmp_path: Path, start_stack: Any, day_log: list[Records]) -> None:
    """SIGKILL of workers, collector, warehouse and Kafka at random moments: all that the oracle says, each once."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown where it fails
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    with start_stack(tmp_path, CUSTODY_STACK_ROLES=",".join(ROLES)):
        settings = load(data=tmp_path)
        declare(settings, declaration(DAY), DAY.read_text(encoding="utf-8"))
        collector, moments, dead = Collector(settings, cut(day_log), tmp_path / "written"), [0], set()
        hasty = chance.sample(range(KILLS), HASTY)
        try:
            for number, victim in enumerate(drawn(chance)):
                if number not in hasty:
                    collector.wait_for_more(moments[-1])
                time.sleep(chance.uniform(0.5, 4))
                moments.append(collector.written)
                dead.add(collector.kill() if victim == "collector" else kill(tmp_path, victim))
                print(f"{victim} died at {moments[-1]} of {collector.pieces}")  # noqa: T201
            collector.finish()
        finally:
            collector.end()
        assert len(dead) == KILLS
        assert len({at for at in moments if 0 < at < collector.pieces}) >= KILLS - HASTY
        trackers.settled(settings)
        assert_is_told_once(settings, day_log)


def assert_is_told_once(settings: Settings, day_log: list[Records]) -> None:
    """What the oracle says, every event in the warehouse, and every alarm under the id that a replay gives it."""
    warehouse = Warehouse.of(settings)
    expected = json.loads(lzma.decompress((DAY.parent / "expected.json.xz").read_bytes()))
    assert_is_the_oracles(warehouse, expected)
    events = (envelope.decode(value) for batch in day_log for value in batch.values)
    rows = [row["event_id"] for row in ask(warehouse.client, "SELECT event_id FROM events")]
    assert len(rows) == len(set(rows))
    assert set(rows) == {event.event_id for event in events if event.kind is not Kind.TICK}
    assert compare(live(KafkaLog(settings)), replayed(settings).alerts).identical
    assert all(len(times) == 1 for times in trackers.alerts(settings).values())
