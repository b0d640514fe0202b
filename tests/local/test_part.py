"""Parts: small processes that are started, awaited and stopped."""

import asyncio
import socket
import sys
import threading
from pathlib import Path

import pytest

from streams.core.errors import Unavailable
from streams.local import part, ports
from streams.local.part import Part

STUBBORN = """
import signal, socket, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", {port}))
time.sleep(60)
"""


LATE = """
import socket, time
time.sleep(1)
listener = socket.create_server(("127.0.0.1", {port}))
time.sleep(60)
"""


def _part(folder: Path, program: str, **more: float) -> Part:
    return Part(name="p", command=(sys.executable, "-c", program), log=folder / "log", **more)  # type: ignore[arg-type]


def test_output_goes_to_the_log_and_the_environment_is_added(tmp_path: Path) -> None:
    """What a part prints stands in its log; what the plan adds stands in its environment."""
    asked = Part(
        name="p",
        command=(sys.executable, "-c", "import os; print(os.environ['A'])"),
        log=tmp_path / "log",
        environment={"A": "b"},
    )

    async def run() -> int:
        return await part.wait_end(part.start(asked))

    assert asyncio.run(run()) == 0
    assert asked.log.read_text(encoding="utf-8") == "b\n"


def test_a_part_that_ends_instead_of_starting_is_told(tmp_path: Path) -> None:
    """A part that ends before it answers is Unavailable, with its exit code and its log."""
    asked = _part(tmp_path, "raise SystemExit(4)", port=1)

    async def run() -> None:
        process = part.start(asked)
        await part.wait_ready(asked, process)

    with pytest.raises(Unavailable, match="p ended with 4") as failed:
        asyncio.run(run())
    assert str(asked.log) in failed.value.hint


def test_who_else_answers_at_its_port_is_not_taken_for_it(tmp_path: Path) -> None:
    """Two stacks that start at once may be given the same port: the part ends then, and is told."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        asked = _part(
            tmp_path, f"import socket, time; time.sleep(1); socket.create_server(('127.0.0.1', {port}))", port=port
        )

        async def run() -> None:
            process = part.start(asked)
            await part.wait_ready(asked, process)

        with pytest.raises(Unavailable, match="p ended with 1 instead of starting"):
            asyncio.run(run())
    assert "Address already in use" in asked.log.read_text(encoding="utf-8")


def test_a_part_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """A part that never answers is Unavailable once its patience is over."""
    asked = _part(tmp_path, "import time; time.sleep(60)", port=1, start_patience=0.1)

    async def run() -> None:
        process = part.start(asked)
        try:
            await part.wait_ready(asked, process)
        finally:
            await part.stop(asked, process)

    with pytest.raises(Unavailable, match="did not answer within"):
        asyncio.run(run())


def test_a_part_that_answers_late_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said now and then that it is still starting."""
    monkeypatch.setattr(part, "STILL", 0.1)
    port = ports.choose(tmp_path).kafka
    asked = _part(tmp_path, LATE.format(port=port), port=port, start_patience=part.SLOW)

    async def run() -> None:
        process = part.start(asked)
        await part.wait_ready(asked, process)
        await part.stop(asked, process)

    asyncio.run(run())
    assert "p is still starting" in caplog.text


def test_without_threads_a_part_is_started_and_its_end_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the table of processes is full the child would otherwise live on, with nobody who knows it."""
    asked = _part(tmp_path, "raise SystemExit(4)")

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    async def run() -> int:
        return await part.wait_end(part.start(asked))

    assert asyncio.run(run()) == 4


def test_a_stubborn_part_is_killed(tmp_path: Path) -> None:
    """A part that does not end when asked is killed after its patience."""
    port = ports.choose(tmp_path).kafka
    asked = _part(tmp_path, STUBBORN.format(port=port), port=port, stop_patience=0.1)

    async def run() -> int | None:
        process = part.start(asked)
        await part.wait_ready(asked, process)
        await part.stop(asked, process)
        await part.stop(asked, process)
        return process.returncode

    assert asyncio.run(run()) == -9
