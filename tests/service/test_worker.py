"""`custody worker`: several roles end with it, whatever ends it; and trackers when the ledger has new terms."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from streams import profiles
from streams.kafka import progress, topics
from streams.kafka.writer import write_all
from streams.settings import Settings
from tests.waiting import until

PATIENCE = 60
"""Seconds until something must have come."""

READY = "Worker]: Ready"

pytestmark = pytest.mark.service


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
        until(lambda: all(READY in output.read_text(encoding="utf-8") for output in outputs), "both are ready")
        guaranteed = profiles.load("guaranteed")
        text = profiles.text_of("guaranteed")
        write_all(mine, "progress", [progress.declared("terms", live=False, terms=guaranteed.version, text=text)])
        assert [one.wait(PATIENCE) for one in trackers] == [0, 0]
        assert all("the ledger has new terms" in output.read_text(encoding="utf-8") for output in outputs)
    finally:
        for one in trackers:
            one.kill()
            one.wait()
