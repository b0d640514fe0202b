"""The real stack for service tests: one broker and one warehouse a session, one ledger a test.

@pytest.mark.service
def test_...(stack: Settings, ledger: str) -> None: ...
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from streams.process import tied_to
from streams.settings import Settings, load, running

# No test depends on how busy the machine is, and what lands passes or fails alike each time; `make laws` is the search.
settings.register_profile("custody", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("custody")

DAY = "tests/service/day/"

LONGEST = ("tests/service/", "tests/lab/", "tests/warehouse/")
"""Folders whose modules take minutes: they come first, so that no process is left alone with one at the end."""

PATIENCE = 120
"""Seconds; the first session on a machine fetches the jars."""

LAST_WORDS = 2000
"""Characters of each part's log that are shown where a test of a whole stack fails."""


class ByStack(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """What shares a stack or a ledger goes to one process: a module, or all that is of the sample day."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return DAY if file.startswith(DAY) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who gives tests to processes with `--dist loadfile`."""
    return ByStack(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first."""
    items.sort(key=lambda one: not one.nodeid.startswith(LONGEST))


class Started:
    """A stack that runs while the block does: `custody up` in a process that dies with this one."""

    def __init__(self, data: Path, **environment: str) -> None:
        """`environment` is added to ours."""
        self._data = data
        self._environment = {**os.environ, "CUSTODY_STACK_ROLES": "none", **environment}
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        command = (sys.executable, "-m", "streams.cli", "up", "--data", str(self._data))
        self._data.mkdir(exist_ok=True)
        with (self._data / "up.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - ourselves
                command,
                stdout=log,
                stderr=log,
                env=self._environment,
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
            )
        self._wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Stop it, in order; where the block failed, add what its parts said last."""
        del kind, trace
        if error is not None:
            for file in sorted((self._data / "log").glob("*.log")):
                error.add_note(f"{file.name}: {file.read_text(encoding='utf-8', errors='replace')[-LAST_WORDS:]}")
        self.process.terminate()
        self.process.wait(60)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not ((stack := running(self._data)) and stack.ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                pytest.fail("the stack did not start:\n" + (self._data / "up.log").read_text(encoding="utf-8"))
            time.sleep(0.05)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a real Kafka broker and a real ClickHouse engine, both empty, without workers."""
    data = tmp_path_factory.mktemp("stack")
    with Started(data):
        yield load(data=data)


@pytest.fixture
def start_stack() -> type[Started]:
    """For tests that kill a stack: a class whose instance runs one of its own, with the block of a `with`."""
    return Started


@pytest.fixture
def signals() -> Iterator[None]:
    """Handlers are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def generous() -> Iterator[None]:
    """An umask that hides nothing from anybody."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def ledger() -> str:
    """A ledger that no other test uses."""
    return f"t{secrets.token_hex(5)}"
