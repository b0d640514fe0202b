"""A broker that is away for a minute: everybody waits and says so, nothing is lost, and every role goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from streams.cli._orders import Operator
from streams.core.errors import Unavailable
from streams.core.events import Kind, MessageEvent
from streams.process import tied_to
from streams.settings import ROLES, Settings, load, running
from streams.warehouse.client import ask
from streams.warehouse.questions import Warehouse
from tests import waiting
from tests.core.journeys import event, submitted
from tests.faults.mail import line
from tests.service import trackers

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

AWAY = 65.0
"""Seconds that the broker answers nobody."""

EVERY = 2.0
"""Seconds between messages meanwhile."""

PATIENCE = 120.0
"""Seconds until all have gone on: a worker that gave up is started again."""

WAITS = dict.fromkeys(ROLES, "marking coordinator dead") | {"collector": "wait for a broker"}
"""What each says of a broker that does not answer; the workers in Faust's words."""

SOURCES = """
[[hosts]]
name = "origin"

[[sources]]
name = "origin-log"
kind = "jsonl"
live = true
paths = ["{log}"]
"""


class Network:
    """A host whose operator deletes every message that it takes; its log, and what it said there."""

    def __init__(self, folder: Path) -> None:
        """Nothing happened yet."""
        self.log, self.sources = folder / "events.jsonl", folder / "sources.toml"
        self.log.touch()
        self.sources.write_text(SOURCES.format(log=self.log), encoding="utf-8")
        self.said: list[MessageEvent] = []
        self.names: set[str] = set()

    def deletes(self, name: str) -> None:
        """A message comes and is deleted, now: an alarm that stands."""
        key, now = f"{name}@origin.test", time.time()
        events = submitted(now, name, key=key)
        events.append(event(Kind.DELETED, now + 0.001, key=key, host="origin", queue_id=name))
        with self.log.open("ab") as file:
            file.write(b"".join(map(line, events)))
        self.said += events
        self.names.add(name)

    def deletes_for(self, seconds: float) -> None:
        """One message after the other."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.deletes(f"D{len(self.names)}")
            time.sleep(EVERY)


@contextmanager
def collecting(data: Path, network: Network, said: Path) -> Iterator[None]:
    """`custody collect --follow` in a process of its own; what it says goes into a file."""
    told = ("jsonl", "--sources", str(network.sources), "--follow", "--data", str(data))
    with said.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            (sys.executable, "-m", "streams.cli", "collect", *told),
            stdout=output,
            stderr=output,
            preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
        )
    try:
        yield
        assert process.poll() is None, "the collector has ended"
    finally:
        process.kill()
        process.wait()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that stands still while the block runs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def until(is_so: Callable[[], Any], what: str) -> None:
    """Wait until something is so; a service that is away is asked again."""
    waiting.until(lambda: _holds(is_so), what, PATIENCE)


def _holds(is_so: Callable[[], Any]) -> bool:
    try:
        return bool(is_so())
    except Unavailable:
        return False


def test_a_broker_that_is_away_for_a_minute(tmp_path: Path, start_stack: Any) -> None:
    """Who waits for it says so; what was written meanwhile is there once; every role takes what comes later."""
    data, said, network = tmp_path / "data", tmp_path / "collect.log", Network(tmp_path)
    with start_stack(data, CUSTODY_STACK_ROLES=",".join(ROLES)), collecting(data, network, said):
        settings = load(data=data)
        warehouse = Warehouse.of(settings)
        network.deletes("first")
        until(lambda: in_cases(warehouse) == 1, "a first case")
        logs = {role: data / "log" / f"worker-{role}.log" for role in ROLES} | {"collector": said}
        begins = {name: log.stat().st_size for name, log in logs.items()}
        with frozen(broker(data)):
            network.deletes_for(AWAY)
            words = {name: log.read_bytes()[begins[name] :].decode() for name, log in logs.items()}
        assert {name for name, word in words.items() if WAITS[name] in word} == set(WAITS)
        until(lambda: told(settings) == network.names, "alarms of what was written while the broker was away")
        network.deletes("later")
        until(lambda: told(settings) == network.names, "the alarm of a later message: clock and tracker")
        until(lambda: in_cases(warehouse) == len(network.names), "its case: feed and cases")
        acknowledge(settings, warehouse)
        assert all(len(times) == 1 for times in trackers.alerts(settings).values())
        rows = sorted(row["event_id"] for row in ask(warehouse.client, "SELECT event_id FROM events"))
        assert rows == sorted(event.event_id for event in network.said)


def broker(data: Path) -> int:
    """The broker's process."""
    stack = running(data)
    assert stack is not None
    return stack.processes["kafka"]


def told(settings: Settings) -> set[str]:
    """The queue ids of what was told to be deleted."""
    return {alert["queue_id"] for alert in trackers.all_alerts(settings) if alert["rule"] == "deleted"}


def in_cases(warehouse: Warehouse) -> int:
    """How many alarms stand in cases."""
    return sum(case["standing"] for case in warehouse.cases())


def acknowledge(settings: Settings, warehouse: Warehouse) -> None:
    """An operator's order, until it is obeyed."""
    number = warehouse.cases()[0]["case_id"].hex()
    Operator(settings, warehouse, author="J. Doe", reason="seen").acknowledge(number)
    until(lambda: any(case["state"] == "acknowledged" for case in warehouse.cases()), "an order that is obeyed")
