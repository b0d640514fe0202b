"""`custody worker`: several roles end with it, whatever ends it; and trackers when the ledger has new terms."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from streams import profiles
from streams.kafka import progress, topics
from streams.kafka.writer import write_all
from streams.process import tied_to
from streams.settings import ROLES, Settings
from tests.conftest import Started
from tests.waiting import until

PATIENCE = 120
"""Seconds until something must have come."""

READY = "Worker]: Ready"

SOON = 20
"""Seconds within which a worker that is told to end does; it needs six, where the machine is not busy."""

pytestmark = pytest.mark.service


def said(output: Path) -> str:
    """What workers say, of which the last letter may be half written."""
    return output.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_the_roles_end_with_their_parent(
    stack: Settings, ledger: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A ledger's first, they make its topics; asked to end, both end in order; killed, it leaves none behind."""
    command = (sys.executable, "-m", "streams.cli", "worker", "--roles", "clock,cases", "--ledger", ledger)
    output = tmp_path / "output"
    with output.open("wb") as told:
        parent = subprocess.Popen(  # noqa: S603 - ourselves
            (*command, "--data", str(stack.data)), stdout=told, stderr=told, start_new_session=True
        )
    roles: list[psutil.Process] = []
    try:
        until(lambda: said(output).count(READY) == 2, "both roles are ready")
        roles = psutil.Process(parent.pid).children()
        assert sorted(role.cmdline()[-1] for role in roles) == ["cases", "clock"]
        os.kill(parent.pid, number)
        assert parent.wait(PATIENCE) == code
        until(lambda: not any(role.is_running() for role in roles), "both roles have ended")
    finally:
        for role in roles:
            if role.is_running():
                role.kill()
        parent.kill()
        parent.wait()


def test_of_two_trackers_both_end_when_the_ledger_has_new_terms(stack: Settings, ledger: str, tmp_path: Path) -> None:
    """Whoever started them starts them again; `progress` has one partition, so one hears of them, and both look."""
    mine = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(mine)
    command = (sys.executable, "-m", "streams.cli", "worker", "--roles", "track", "--ledger", ledger)
    outputs = [tmp_path / name for name in ("a", "b")]
    trackers = []
    try:
        for output in outputs:
            with output.open("wb") as told:
                one = subprocess.Popen(  # noqa: S603 - ourselves
                    (*command, "--data", str(stack.data)),
                    stdout=told,
                    stderr=told,
                    env=os.environ | {"CUSTODY_WORKER_NAME": output.name},
                )
            trackers.append(one)
        until(lambda: all(READY in said(output) for output in outputs), "both are ready")
        guaranteed = profiles.load("guaranteed")
        text = profiles.text_of("guaranteed")
        write_all(mine, "progress", [progress.declared("terms", live=False, terms=guaranteed.version, text=text)])
        assert [one.wait(PATIENCE) for one in trackers] == [0, 0]
        assert all("the ledger has new terms" in said(output) for output in outputs)
    finally:
        for one in trackers:
            one.kill()
            one.wait()


@contextmanager
def begun(role: str, data: Path, ledger: str, output: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker; it may not be ready yet."""
    command = (sys.executable, "-m", "streams.cli", "worker", "--roles", role, "--ledger", ledger, "--data", str(data))
    with (
        output.open("wb") as told,
        subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdout=told,
            stderr=told,
            env=os.environ | environment,
            preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
        ) as worker,
    ):
        try:
            yield worker
        finally:
            worker.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("is_silent", [False, True], ids=["away", "silent"])
def test_a_feed_that_waits_for_its_warehouse_ends_when_it_is_told(
    stack: Settings, ledger: str, tmp_path: Path, number: signal.Signals, *, is_silent: bool
) -> None:
    """Though its warehouse was never there, or takes connections and never answers: it has nothing to store."""
    output = tmp_path / "output"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if is_silent else 1
        nowhere = {"CUSTODY_CLICKHOUSE_URL": f"http://127.0.0.1:{port}"}
        with begun("feed", stack.data, ledger, output, **nowhere) as feed:
            until(lambda: READY in said(output), "it is ready")
            until(lambda: is_silent or "prepare" in said(output), "it waits")
            feed.send_signal(number)
            assert feed.wait(SOON) == 0


def test_workers_whose_brokers_are_away_end_when_they_are_told(
    start_stack: type[Started], ledger: str, tmp_path: Path
) -> None:
    """Told again, too, as where a service manager tells each process, and so does its parent."""
    data = tmp_path / "data"
    with ExitStack() as running, start_stack(data) as started:
        workers = [running.enter_context(begun(role, data, ledger, tmp_path / role)) for role in ROLES]
        outputs = [tmp_path / role for role in ROLES]
        until(lambda: all(READY in said(output) for output in outputs), "all are ready")
        started.process.kill()  # and with it, its brokers
        started.process.wait()
        for number in (signal.SIGTERM, signal.SIGINT):
            for worker in workers:
                worker.send_signal(number)
        assert [worker.wait(SOON) for worker in workers] == [0] * len(workers)
