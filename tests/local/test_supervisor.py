"""The supervisor keeps its parts alive on a machine that has run out of something, too."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from streams.core.errors import Unavailable
from streams.local import clickhouse, kafka, part, supervisor
from streams.local.part import Part
from streams.local.supervisor import Keeper, Plan, State, Supervisor
from streams.settings import running, stack_file

PATIENCE = 60


class Disk:
    """The disk of a data directory; the terminal's log is on it, too."""

    def __init__(self, data: Path) -> None:
        """There is room."""
        self._place = data / f"{stack_file(data).name}.new"

    def fill(self) -> None:
        """No stack.json can be written."""
        self._place.mkdir(parents=True)

    def free(self) -> None:
        """There is room again."""
        self._place.rmdir()

    def print(self, _states: Sequence[State]) -> None:
        """What `up` does with each change."""
        if self._place.is_dir():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """A supervisor of two services that only live, without workers."""
    monkeypatch.setattr(supervisor, "LOOK", 0.01)
    monkeypatch.setattr(kafka, "broker", lambda *_: idle("kafka", tmp_path))
    monkeypatch.setattr(clickhouse, "warehouse", lambda *_: idle("clickhouse", tmp_path))
    return Supervisor(Plan(data=tmp_path, cache=tmp_path), Disk(tmp_path).print)


def idle(name: str, folder: Path) -> Part:
    """A part that lives and does nothing."""
    program = "import time; time.sleep(600)"
    return Part(name=name, command=(sys.executable, "-c", program), log=folder / f"{name}.log")


async def until(is_so: Callable[[], Any]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - nobody tells of a file or a process
            await asyncio.sleep(0.01)


def test_what_dies_on_a_full_disk_is_started_again(tmp_path: Path, whole: Supervisor) -> None:
    """Where nothing can be written, parts are kept alive all the same; with room again their processes are told."""
    disk = Disk(tmp_path)

    def told() -> int:
        stack = running(tmp_path)
        return stack.processes["kafka"] if stack is not None and stack.ready else 0

    async def run() -> None:
        work = asyncio.create_task(whole.run())
        await until(told)
        before = told()
        state = next(keeper.state for keeper in whole._services if keeper.state.name == "kafka")
        disk.fill()
        os.kill(before, signal.SIGKILL)
        await until(lambda: state.restarts == 1 and state.condition == "ready")
        assert (told(), state.pid != before) == (before, True)
        disk.free()
        await until(lambda: told() == state.pid)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(run())


def test_a_stack_that_cannot_say_where_it_is_ends_with_the_reason(tmp_path: Path, whole: Supervisor) -> None:
    """At a first start nobody would find it: it ends, its services with it."""
    Disk(tmp_path).fill()
    with pytest.raises(Unavailable, match=r"stack\.json cannot be written"):
        asyncio.run(asyncio.wait_for(whole.run(), PATIENCE))
    assert {keeper.state.condition for keeper in whole._services} == {"stopped"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "Resource temporarily unavailable"),
        (RuntimeError("can't start new thread"), "can't start new thread"),
        (subprocess.SubprocessError("Exception occurred in preexec_fn."), "Exception occurred"),
    ],
    ids=["process", "thread", "child"],
)
def test_a_part_that_cannot_be_started_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """Without a process to be had the first start fails with the reason; the part comes when there is one."""
    start, refused = part.start, [error]

    def starting(wanted: Part) -> part.Process:
        if refused:
            raise refused.pop()
        return start(wanted)

    async def run() -> int:
        kept = Keeper(idle("cases", tmp_path), lambda: None)
        with pytest.raises(Unavailable, match=f"cases cannot be started: {reason}"):
            await asyncio.wait_for(kept.begin(), PATIENCE)
        await until(lambda: kept.state.condition == "ready")
        await kept.end()
        return kept.state.restarts

    monkeypatch.setattr(part, "start", starting)
    assert asyncio.run(run()) == 1


def test_a_part_that_cannot_be_watched_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file descriptor was to be had for a look at its port."""
    wait, refused = part.wait_ready, [OSError(errno.EMFILE, os.strerror(errno.EMFILE))]

    async def waiting(wanted: Part, process: part.Process) -> None:
        if refused:
            raise refused.pop()
        await wait(wanted, process)

    async def run() -> int:
        kept = Keeper(idle("cases", tmp_path), lambda: None)
        with pytest.raises(Unavailable, match="cases cannot be watched: "):
            await asyncio.wait_for(kept.begin(), PATIENCE)
        await until(lambda: kept.state.condition == "ready")
        await kept.end()
        return kept.state.restarts

    monkeypatch.setattr(part, "wait_ready", waiting)
    assert asyncio.run(run()) == 1


def test_a_look_that_fails_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it fails of: a second look follows."""
    monkeypatch.setattr(supervisor, "LOOK", 0.01)
    looks: list[int] = []

    def stalled() -> set[str]:
        looks.append(len(looks))
        if len(looks) == 1:
            raise RuntimeError("can't start new thread")
        return set()

    async def run() -> None:
        whole = Supervisor(Plan(data=tmp_path, cache=tmp_path, stalled=stalled))
        whole._workers = [Keeper(idle("cases", tmp_path), lambda: None)]
        watching = asyncio.create_task(whole._watch_over())
        await until(lambda: len(looks) > 1)
        watching.cancel()

    asyncio.run(run())
