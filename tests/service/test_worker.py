"""`custody worker` with several roles: they end with it, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from streams.settings import Settings

PATIENCE = 60
"""Seconds until something must have come."""

READY = "Worker]: Ready"

pytestmark = pytest.mark.service


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.05)


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
        until(lambda: output.read_text(encoding="utf-8").count(READY) == 2, "both roles are ready")
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
