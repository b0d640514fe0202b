"""Workers: each begins with its ledger's topics, takes nothing for done that it could not do, and ends surely."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.exceptions import PartitionsMismatch
from mode import Service
from mode.utils.queues import FlowControlQueue
from polars.exceptions import PanicException

from streams import caseworker, farewell, process, profiles, workers
from streams.core.errors import Misuse, Unavailable
from streams.kafka import progress, topics
from streams.retry import until_available
from streams.settings import ROLES, Settings
from streams.track import ticks
from streams.wall import Wall
from tests.kafka.brokers import PLACE, Brokers, counts
from tests.kafka.memory import MemoryLog


class Ended(BaseException):
    """The process is gone."""


class Stream:
    """A stream of two alerts."""

    async def events(self) -> AsyncIterator[Any]:
        """Each with its place."""
        for offset in (7, 8):
            yield SimpleNamespace(value=b"x", message=SimpleNamespace(partition=0, offset=offset))


@pytest.mark.parametrize("error", [PartitionsMismatch("no changelog"), Unavailable("no registry"), KeyError("x")])
def test_a_record_that_cannot_be_taken_ends_the_worker_at_once(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Before anything is committed; the next record is not looked at."""
    taken = []

    def take(_value: bytes | None, place: tuple[int, int]) -> None:
        taken.append(place)
        raise error

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Ended):
        asyncio.run(caseworker._taking(Settings(), "alerts", take, lambda _: ())(Stream()))
    assert taken == [(0, 7)]


def test_a_clock_writer_that_fails_ends_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a source said is not taken for heard."""

    def fail(_ticker: ticks.Ticker, _value: bytes | None, _offset: int) -> None:
        raise KeyError

    def end(code: int) -> None:
        raise Ended(code)

    app = workers._app("clock", Settings(data=tmp_path, kafka_brokers=PLACE))
    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(ticks.Ticker, "hear", fail)
    workers._clock(app, Settings(data=tmp_path, kafka_brokers=PLACE))
    (agent,) = app.agents.values()
    with pytest.raises(Ended):
        asyncio.run(agent.fun(Stream()))


class App:
    """An app that keeps the timers it is given."""

    def __init__(self) -> None:
        """Have none."""
        self.timers: list[Any] = []

    def timer(self, _every: float) -> Callable[[Any], None]:
        """Keep what is done now and then."""
        return self.timers.append

    def service(self, _made: type[Service]) -> None:
        """Start nothing."""

    def topic(self, _name: str) -> None:
        """Read nothing."""

    def agent(self, _topic: None, *, name: str) -> Callable[[Any], None]:
        """Hear nothing: another worker of the role has the only partition."""
        del name
        return lambda _fun: None

    async def wait(self) -> None:
        """Until every timer was due once."""
        for timer in self.timers:
            await timer()


@pytest.mark.parametrize(("name", "ends"), [("guaranteed", 2), ("watch", 0)])
def test_every_tracker_ends_where_the_ledger_has_other_terms(
    monkeypatch: pytest.MonkeyPatch, name: str, ends: int
) -> None:
    """Each of two; and none where the same are declared again."""
    ended = list[bool]()
    ledger = MemoryLog(Settings())
    monkeypatch.setattr(farewell, "end", lambda: ended.append(True))
    monkeypatch.setattr(workers, "KafkaLog", lambda _settings: ledger)
    monkeypatch.setattr(process, "give_back", lambda: None)
    apps = App(), App()
    for app in apps:
        workers._track(app, Settings())
    for terms in ("guaranteed", name):
        text = profiles.text_of(terms)
        ledger.topics["progress"][0].append(progress.declared("terms", live=False, terms="", text=text))
    for app in apps:
        asyncio.run(app.wait())
    assert len(ended) == ends


def test_a_tracker_whose_brokers_are_away_does_not_end_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there are new terms is asked again later."""

    def away(*_: Any) -> None:
        raise Unavailable("no broker")

    ledger = MemoryLog(Settings())
    monkeypatch.setattr(workers, "KafkaLog", lambda _settings: ledger)
    monkeypatch.setattr(process, "give_back", lambda: None)
    app = App()
    workers._track(app, Settings())
    ledger.faults.at = away
    assert app.timers
    asyncio.run(app.wait())


HANGS = """
import ctypes
from streams import farewell
farewell.PATIENCE = 0.2
farewell.end_surely()
farewell.end_surely()
ctypes.PyDLL(None).sleep(60)  # with Python's lock: no other thread of ours can do anything
"""


def test_a_worker_that_hangs_in_a_library_ends_surely() -> None:
    """As librdkafka does where a consumer is destroyed while Python ends, and its broker has just come back."""
    ended = subprocess.run((sys.executable, "-c", HANGS), check=False, timeout=50)  # noqa: S603 - ourselves
    assert ended.returncode == -signal.SIGALRM


STANDS = """
import asyncio, sys, time
from types import SimpleNamespace
from streams import caseworker
caseworker.SESSION, caseworker.HEARTBEAT, caseworker._LOOK = 3.0, 1.0, 0.1
tasks = []
caseworker._end_if_still(SimpleNamespace(task=tasks.append))

async def main():
    living = asyncio.create_task(tasks[0]())
    await asyncio.sleep(2.5)
    print("lives", flush=True)
    if sys.argv[1] == "takes":
        time.sleep(60)
    while True:
        await asyncio.sleep(0)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["takes", "is stopped"])
def test_a_worker_whose_loop_stands_still_is_ended_before_it_goes_on(how: str) -> None:
    """Its group has gone on without it: whatever it had to send would replace what another has sent."""
    command = (sys.executable, "-c", STANDS, how)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:  # noqa: S603 - ourselves
        assert worker.stdout
        assert worker.stdout.readline() == b"lives\n"
        if how == "is stopped":
            worker.send_signal(signal.SIGSTOP)
            with pytest.raises(subprocess.TimeoutExpired):
                worker.wait(2.5)
            worker.send_signal(signal.SIGCONT)
        assert worker.wait(50) == -signal.SIGALRM


def test_what_was_missed_is_taken_before_what_is_given() -> None:
    """The loop turns between two of them, too."""
    taken = list[Any]()

    def take(value: bytes | None, place: tuple[int, int]) -> None:
        taken.append((value, place))
        asyncio.get_running_loop().call_soon(taken.append, "other")

    def missed(place: tuple[int, int]) -> list[tuple[bytes | None, tuple[int, int]]]:
        return [(b"m", (0, 6))] if place == (0, 7) else []

    asyncio.run(caseworker._taking(Settings(), "alerts", take, missed)(Stream()))
    assert taken == [(b"m", (0, 6)), "other", (b"x", (0, 7)), "other", (b"x", (0, 8)), "other"]


def test_what_came_in_a_flow_that_is_resumed_once_more_stays() -> None:
    """Faust resumes it when its tables are there; what was there when it was stopped comes again."""

    async def run() -> list[int]:
        flow = workers._App("flow", broker="kafka://", loop=asyncio.get_running_loop()).flow_control
        queue: FlowControlQueue[int] = FlowControlQueue(flow_control=flow, clear_on_resume=True)
        left = list[int]()
        for is_stopped in (True, False):
            if is_stopped:
                flow.suspend()
            queue.put_nowait(1)
            flow.resume()
            left.append(queue.qsize())
        return left

    assert asyncio.run(run()) == [0, 1]


def test_the_loop_turns_between_two_records() -> None:
    """Also where many wait: else nobody would hear that the worker lives, and its group would go on without it."""
    turns = list[str]()

    async def run() -> None:
        for _ in range(2):
            asyncio.get_running_loop().call_soon(turns.append, "other")
            await caseworker._taking(Settings(), "alerts", lambda *_: turns.append("record"), lambda _: ())(Stream())

    asyncio.run(run())
    assert turns == ["record", "other", "record", "record", "other", "record"]


@pytest.mark.parametrize("is_child", [False, True], ids=["a timer", "a service"])
def test_a_worker_any_part_of_which_fails_ends_surely(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_child: bool
) -> None:
    """Faust ends in order, and may wait for ever for that."""
    farewells = set[str]()
    monkeypatch.setattr(farewell, "end_surely", lambda: farewells.add("surely"))

    async def fail() -> None:
        raise KeyError

    async def run() -> None:
        app = workers._app("clock", Settings(data=tmp_path, kafka_brokers=PLACE))
        part = Service(beacon=app.beacon) if is_child else app
        part.add_future(fail())
        await asyncio.wait_for(app._crashed.wait(), 60)
        assert isinstance(app.crash_reason, KeyError)

    asyncio.run(run())
    assert farewells == {"surely"}


class Loop:
    """A hot loop that does one thing."""

    def __init__(self, work: Callable[[Callable[[], bool]], None]) -> None:
        """Do it as soon as it runs."""
        self.run = work


def hot(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """A hot loop as a service, and the farewells that it takes."""
    farewells: list[str] = []
    monkeypatch.setattr(farewell, "end_surely", lambda: farewells.append("surely"))
    return workers._hot(lambda _wall: loop)(), farewells


@pytest.mark.parametrize("error", [KeyError("x"), PanicException("x"), Unavailable("no broker")])
def test_a_loop_that_fails_ends_its_worker_surely(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Whatever it fails with: Faust hears of it, and has no more time than a farewell takes."""

    def fail(_stopped: Callable[[], bool]) -> None:
        raise error

    async def run() -> BaseException | None:
        service, farewells = hot(Loop(fail), monkeypatch)
        await service.start()
        await asyncio.wait_for(service._crashed.wait(), 60)
        assert farewells == ["surely"]
        await service.stop()
        reason: BaseException | None = service.crash_reason
        return reason

    assert asyncio.run(run()) is error


def test_a_loop_that_is_stopped_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it keeps at its end may take longer than a farewell."""
    began, kept = threading.Event(), threading.Event()

    def work(_stopped: Callable[[], bool]) -> None:
        began.set()
        kept.wait(60)

    async def run() -> list[str]:
        service, farewells = hot(Loop(work), monkeypatch)
        await service.start()
        assert await asyncio.to_thread(began.wait, 60)
        await service.stop()
        kept.set()
        return farewells

    assert asyncio.run(run()) == []


def test_a_loop_that_waits_for_a_service_ends_when_it_is_told() -> None:
    """Wherever it waits: as it is made, or later; its warehouse may never come."""
    waits, ended = threading.Event(), threading.Event()

    def make(wall: Wall) -> Loop:
        def away() -> None:
            waits.set()
            raise Unavailable("no warehouse")

        try:
            until_available(logging.getLogger(), wall.sleep)(away)
        finally:
            ended.set()
        raise AssertionError

    async def run() -> None:
        service = workers._hot(make)()
        await service.start()
        assert await asyncio.to_thread(waits.wait, 60)
        await service.stop()
        assert await asyncio.to_thread(ended.wait, 15)
        assert service.crash_reason is None

    asyncio.run(run())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_refuses_a_ledger_of_other_partitions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, role: str
) -> None:
    """It would serve a part of it for ever; both numbers are said."""
    there = counts(Settings(partitions=8))
    monkeypatch.setattr(topics, "AdminClient", Brokers(there))
    with pytest.raises(Misuse, match="has 8 partitions, not 4"):
        workers.app_of(role, Settings(data=tmp_path, kafka_brokers=PLACE))


def test_a_role_makes_the_topics_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of them are there before its app is: it would ignore what comes later."""
    settings, brokers, seen = Settings(data=tmp_path, kafka_brokers=PLACE), Brokers({"others": 1}), list[int]()
    monkeypatch.setattr(topics, "AdminClient", brokers)
    monkeypatch.setattr(workers, "KafkaLog", MemoryLog)
    monkeypatch.setattr(workers, "_clock", lambda _app, _settings: seen.append(len(brokers.counts)))
    workers.app_of("clock", settings)
    assert brokers.counts == {"others": 1, **counts(settings)}
    assert seen == [len(brokers.counts)]


def test_a_cases_worker_ends_at_once_when_its_changelog_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Faust would commit what it read, and the next worker would not find what the table had of it."""
    settings, ends = Settings(data=tmp_path, kafka_brokers=PLACE), list[int]()
    monkeypatch.setattr(topics, "AdminClient", Brokers(counts(settings)))
    monkeypatch.setattr(workers, "KafkaLog", MemoryLog)
    monkeypatch.setattr(os, "_exit", ends.append)
    sensors = workers.app_of("cases", settings).sensors
    state = sensors.on_send_initiated(None, "changelog", None, 0, 0)
    sensors.on_send_error(None, PermissionError("refused"), state)
    assert ends == [1]


@pytest.mark.usefixtures("generous")
def test_a_data_folder_that_a_role_makes_is_its_owners(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where `custody up` makes it."""
    monkeypatch.setattr(topics, "AdminClient", Brokers({}))
    monkeypatch.setattr(workers, "KafkaLog", MemoryLog)
    monkeypatch.setattr(workers, "_clock", lambda _app, _settings: None)
    workers.app_of("clock", Settings(data=tmp_path / "data", kafka_brokers=PLACE))
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_role_whose_brokers_are_away_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the exit code of a service that is away: whoever started it starts it again."""
    monkeypatch.setattr(topics, "TIMEOUT", 0.2)
    with pytest.raises(Unavailable, match="Kafka does not answer") as away:
        workers.app_of("clock", Settings(data=tmp_path, kafka_brokers=PLACE))
    assert away.value.exit_code == 3
