"""One part of the stack: a process that is started, watched until it answers, and stopped.

Rules:
- A part never outlives its supervisor: on Linux the kernel kills it when the supervisor dies, however that dies. Kafka
  and the warehouse are made to survive a kill; a broker that nobody watches would hold the data directory for ever.
- A part has a session of its own, so that Ctrl-C reaches the supervisor only, and parts stop in order.
- Whether a part has ended is found by looking: asyncio starts a thread for it after the fork, and where no thread is to
  be had, the child would live on, known to nobody.
"""

import asyncio
import logging
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streams.core.errors import Unavailable
from streams.local import ports
from streams.process import tied_to

log = logging.getLogger(__name__)

POLL = 0.05
SLOW = 900.0
"""Seconds until a service with data must answer: after a kill it reads what it had not made safe, and may be long."""

STILL = 30.0
"""Seconds between two lines that say that a part has not answered yet."""

Process = subprocess.Popen[bytes]


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


def start(part: Part) -> Process:
    """Start the process; it may not be ready yet.

    Raises:
        OSError: there is no memory, no process or no room for its log; nothing is left of it.
        SubprocessError: the child could not be prepared; nothing is left of it.
    """
    with part.log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own programs
            part.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **part.environment},
            start_new_session=True,
            preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it calls the kernel only
        )


async def wait_end(process: Process) -> int:
    """Return when the process has ended: its exit code."""
    while (code := process.poll()) is None:  # noqa: ASYNC110 - the kernel tells a thread or a file, and both can lack
        await asyncio.sleep(POLL)
    return code


async def wait_ready(part: Part, process: Process) -> None:
    """Return when the part answers.

    Raises:
        Unavailable: it ended, or did not answer in time; the message names its log.
    """
    if part.port is None:
        return
    now = asyncio.get_running_loop().time
    began = told = now()
    while not ports.is_open_by(process.pid, part.port):
        if (code := process.poll()) is not None:
            raise Unavailable(f"{part.name} ended with {code} instead of starting.", hint=_read(part))
        if now() - began > part.start_patience:
            raise Unavailable(f"{part.name} did not answer within {part.start_patience:g} s.", hint=_read(part))
        if now() - told > STILL:
            told = now()
            log.warning("%s is still starting, for %.0f s now: %s", part.name, told - began, _read(part))
        await asyncio.sleep(POLL)


async def stop(part: Part, process: Process) -> None:
    """Ask the process to end, wait, then end it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(wait_end(process), part.stop_patience)
    except TimeoutError:
        process.kill()
        await wait_end(process)


def _read(part: Part) -> str:
    return f"read {part.log}"
