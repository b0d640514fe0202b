"""One part of the stack: a process that is started, watched until it answers, and stopped.

Rules:
- A part never outlives its supervisor: on Linux the kernel kills it when the supervisor dies, however that dies. Kafka
  and the warehouse are made to survive a kill; a broker that nobody watches would hold the data directory for ever.
- A part has a session of its own, so that Ctrl-C reaches the supervisor only, and parts stop in order.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streams.core.errors import Unavailable
from streams.local import ports

PR_SET_PDEATHSIG = 1
POLL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to run.

    Attributes:
        name: for people and for the log file.
        command: program and arguments.
        log: file that gets its output.
        port: loopback port that accepts connections once it is ready; None: it is ready when it runs.
        environment: added to ours.
        start_patience: seconds until it must be ready.
        stop_patience: seconds between asking it to stop and killing it.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    start_patience: float = 60
    stop_patience: float = 20


async def start(part: Part) -> asyncio.subprocess.Process:
    """Start the process; it may not be ready yet."""
    with part.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *part.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **part.environment},
            start_new_session=True,
            preexec_fn=tied_to(os.getpid()),
        )


async def wait_ready(part: Part, process: asyncio.subprocess.Process) -> None:
    """Return when the part answers.

    Raises:
        Unavailable: it ended, or did not answer in time; the message names its log.
    """
    if part.port is None:
        return
    deadline = asyncio.get_running_loop().time() + part.start_patience
    while not ports.is_open(part.port):
        if process.returncode is not None:
            raise Unavailable(f"{part.name} ended with {process.returncode} instead of starting.", hint=_read(part))
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(f"{part.name} did not answer within {part.start_patience:g} s.", hint=_read(part))
        await asyncio.sleep(POLL)


async def stop(part: Part, process: asyncio.subprocess.Process) -> None:
    """Ask the process to end, wait, then end it."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), part.stop_patience)
    except TimeoutError:
        process.kill()
        await process.wait()


def tied_to(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes a part (`preexec_fn`): ask the kernel to end it when its parent dies."""
    if sys.platform != "linux":
        return None  # the next `up` finds a held port there and says so
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return tie


def _read(part: Part) -> str:
    return f"read {part.log}"
