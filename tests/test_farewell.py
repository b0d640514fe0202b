"""A worker that is told to end: in order as long as its services answer, else as it is; and what it says of it."""

import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest

from streams import farewell
from streams.core.errors import Unavailable
from streams.kafka import topics
from streams.settings import Settings
from tests.kafka.brokers import PLACE


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that nobody told to end, without patience."""
    for name in ("_looping", "_failed"):
        monkeypatch.setattr(farewell, name, threading.Event())
    monkeypatch.setattr(farewell, "PATIENCE", 0.0)
    monkeypatch.setattr(farewell, "LOOK", 0.0)


def parted(ask: farewell.Ask) -> list[str]:
    """What a worker does that has one service."""
    done: list[str] = []
    worker: Any = SimpleNamespace(asks=(ask,), _end=lambda: done.append("ended"))
    farewell.Worker._part(worker)
    return done


def test_a_hot_loop_has_what_time_it_needs_as_long_as_its_service_answers() -> None:
    """However long Faust would have had."""
    farewell._looping.set()
    asked = []

    def answers(seconds: int) -> bool:
        asked.append(seconds)
        if len(asked) == 50:
            farewell._looping.clear()
        return True

    assert parted(answers) == ["ended"]
    assert asked == [farewell.ANSWER] * 50


def test_a_service_that_does_not_answer_twice_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """Once may be a busy moment."""
    farewell._looping.set()
    answers = [False, True, False, False]
    assert parted(lambda _: answers.pop(0)) == ["ended"]
    assert answers == []
    assert "a service does not answer" in caplog.text


def test_a_worker_that_cannot_ask_ends() -> None:
    """Nothing else would end it."""
    farewell._looping.set()
    done: list[str] = []

    def ask(_: int) -> bool:
        raise KeyError

    worker: Any = SimpleNamespace(asks=(ask,), _end=lambda: done.append("ended"))
    with pytest.raises(KeyError):
        farewell.Worker._part(worker)
    assert done == ["ended"]


@pytest.mark.parametrize(("error", "status"), [(KeyError("x"), 1), (Unavailable("no broker"), 0), (None, 0)])
def test_what_fails_at_the_end_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception | None, status: int
) -> None:
    """By the worker's status, too, where it is a bug; what a service did not do is done by the next."""
    caplog.set_level(logging.INFO)
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    stop = threading.Event()

    def kept(stopped: Callable[[], bool]) -> None:
        stop.set()
        assert stopped()
        if error is not None:
            raise error

    with pytest.raises(type(error)) if error is not None else nullcontext():
        farewell.loop(lambda _: kept, stop)
    assert ("at its end" in caplog.text) == (error is not None)
    worker: Any = SimpleNamespace(_had_crashed=False)
    farewell.Worker._end(worker)
    assert statuses == [status]


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_worker_that_crashes_while_it_ends_as_told_has_not_failed(
    monkeypatch: pytest.MonkeyPatch, *, is_told_first: bool
) -> None:
    """Faust's consumer crashes now and then while it parts with brokers that are away."""
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    monkeypatch.setattr(atexit, "register", lambda _: None)
    monkeypatch.setattr(faust.Worker, "_schedule_shutdown", lambda *_: None)
    worker: Any = farewell.Worker(faust.App("told", broker="kafka://"))
    monkeypatch.setattr(worker, "_part", lambda: None)
    steps = [lambda: worker._schedule_shutdown(signal.SIGTERM), lambda: worker._crash(KeyError())]
    for step in steps if is_told_first else reversed(steps):
        step()
    worker._end()
    assert statuses == [0 if is_told_first else 1]


def test_a_wait_for_a_service_ends_with_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    """It is no failure."""
    caplog.set_level(logging.INFO)
    stop = threading.Event()
    stop.set()
    farewell.loop(lambda wall: lambda _: wall.sleep(1000), stop)
    assert "while a service was away" in caplog.text
    assert not farewell._looping.is_set()


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("told", [None, 5.0])
def test_who_is_told_again_goes_on_ending(monkeypatch: pytest.MonkeyPatch, told: float | None) -> None:
    """Also when Faust's loop has gone with its handlers, and a thread still keeps."""
    monkeypatch.setattr(faust.Worker, "_shutdown_loop", lambda _: None)
    worker = object.__new__(farewell.Worker)
    worker._signal_stop_time = told
    worker._shutdown_loop()
    is_ignored = [signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGTERM, signal.SIGINT)]
    assert is_ignored == [told is not None] * 2


def test_brokers_do_not_answer_who_has_lost_a_file_of_his(tmp_path: Path) -> None:
    """It was there when he began, days ago."""
    lost = Settings(kafka_brokers=PLACE, kafka_security_protocol="ssl", kafka_ca_file=tmp_path / "gone.pem")
    assert not topics.answers(lost, 1)
