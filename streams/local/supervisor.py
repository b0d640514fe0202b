"""Starts the stack, keeps it alive and stops it: Kafka and the warehouse, then the workers; the other way at the end.

Rules:
- A service that cannot start the first time ends the stack with its reason. What dies later is started again, after a
  pause that doubles; one that lived for a minute has earned a short pause.
- A worker that is said to do nothing is killed, and started again like any other.
- stack.json is written when the services answer, renewed when one got a new process, and removed at the end.
- A machine without room, or without processes, ends no care: what cannot be told is told later, and what cannot be
  started is started again.
"""

import asyncio
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from streams.core.errors import CustodyError, Unavailable
from streams.local import clickhouse, kafka, lock, part, ports
from streams.local.part import Part
from streams.local.ports import LOOPBACK, Ports
from streams.settings import Stack, stack_file

log = logging.getLogger(__name__)

SHORT_PAUSE = 0.2
LONG_PAUSE = 30.0
LONG_LIFE = 60.0
LOOK = 10.0
"""Seconds between looks at who does nothing, and at what could not be told."""

CANNOT = (OSError, RuntimeError, subprocess.SubprocessError)
"""No memory, no process, no thread, no room for a log: there may be later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        data: data directory.
        cache: of jars.
        prepare: done once both services answer, before the first worker: topics, tables.
        workers: what runs beside Kafka and the warehouse.
        stalled: names of workers that do nothing though there is something to do; asked now and then.
    """

    data: Path
    cache: Path
    prepare: Callable[[], None] = lambda: None
    workers: tuple[Part, ...] = ()
    stalled: Callable[[], Collection[str]] = set


@dataclass(slots=True, kw_only=True)
class State:
    """How a part is, for people; it changes as the part does.

    Attributes:
        name: of the part.
        condition: "starting", "ready", "waiting" (to be started again) or "stopped".
        pid: of its process, 0 for none.
        restarts: how often it was started again.
    """

    name: str
    condition: str = "starting"
    pid: int = 0
    restarts: int = 0


Watch = Callable[[Sequence[State]], None]


class Keeper:
    """Keeps one part alive."""

    def __init__(self, kept: Part, told: Callable[[], None]) -> None:
        """Start with `begin`; `told` is called at every change."""
        self.state = State(name=kept.name)
        self._part = kept
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begin(self) -> None:
        """Start the part and return when it answers.

        Raises:
            Unavailable: it does not.
        """
        self._task = asyncio.create_task(self._keep())
        await asyncio.shield(self._ready)

    async def end(self) -> None:
        """Stop the part and forget it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._change("stopped", 0)

    def kill(self) -> None:
        """SIGKILL; it is started again."""
        if self.state.pid:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(self.state.pid, signal.SIGKILL)

    async def _keep(self) -> None:
        pause = SHORT_PAUSE
        while True:
            began = time.monotonic()
            await self._live()
            pause = SHORT_PAUSE if time.monotonic() - began > LONG_LIFE else min(pause * 2, LONG_PAUSE)
            self._change("waiting", 0)
            await asyncio.sleep(pause)
            self.state.restarts += 1

    async def _live(self) -> None:
        """One life of the part, to its end."""
        try:
            process = part.start(self._part)
        except CANNOT as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            self._settle(Unavailable(f"{self._part.name} cannot be started: {reason}."))
            log.warning("%s cannot be started: %s", self._part.name, reason)
            return
        self._change("starting", process.pid)
        try:
            await part.wait_ready(self._part, process)
            self._change("ready", process.pid)
            self._settle(None)
            await part.wait_end(process)
        except Unavailable as why:
            self._settle(why)
        except CANNOT as error:
            self._settle(Unavailable(f"{self._part.name} cannot be watched: {error}."))
            log.warning("%s cannot be watched: %s", self._part.name, error)
        finally:
            await part.stop(self._part, process)

    def _settle(self, reason: Unavailable | None) -> None:
        """Tell `begin` how the first start went."""
        if self._ready.done():
            return
        if reason is None:
            self._ready.set_result(None)
        else:
            self._ready.set_exception(reason)

    def _change(self, condition: str, pid: int) -> None:
        self.state.condition, self.state.pid = condition, pid
        self._told()


class Supervisor:
    """Runs a plan until it is told to stop."""

    def __init__(self, plan: Plan, watch: Watch = lambda _states: None) -> None:
        """`watch` is called with the states of all parts at every change."""
        self._plan = plan
        self._watch = watch
        self._services: list[Keeper] = []
        self._workers: list[Keeper] = []
        self._stack: Stack | None = None
        self._watching: asyncio.Task[None] | None = None
        self._untold = False

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            Misuse: another supervisor holds the data directory.
            Unavailable: a service does not start, or there is no room to say where it is.
        """
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        with lock.holding(self._plan.data) as held:
            work = asyncio.create_task(self._start(held))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    work.result()
                await stopped
            finally:
                await self._end(work, stopped)

    async def _start(self, held: lock.Holder) -> None:
        chosen = ports.choose(self._plan.data)
        await asyncio.gather(self._start_kafka(chosen), self._serve(clickhouse.warehouse(self._plan.data, chosen)))
        self._stack = self._describe(held, chosen)
        self._publish(self._states())  # who prepares, and each worker, reads it
        await asyncio.to_thread(self._plan.prepare)
        self._workers = [Keeper(worker, self._tell) for worker in self._plan.workers]
        await asyncio.gather(*(worker.begin() for worker in self._workers), return_exceptions=True)
        self._stack = msgspec.structs.replace(self._stack, ready=True)
        self._tell()
        self._watching = asyncio.create_task(self._watch_over())

    async def _watch_over(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self._look()
            except Exception:  # whatever it is: who looks no more would not be missed
                log.exception("a look at the workers failed")

    async def _look(self) -> None:
        if self._untold:
            self._tell()
        stalled = await asyncio.to_thread(self._plan.stalled) if self._workers else ()
        for worker in self._workers:
            if worker.state.name in stalled:
                worker.kill()

    async def _start_kafka(self, chosen: Ports) -> None:
        await self._serve(await asyncio.to_thread(kafka.broker, self._plan.data, chosen, self._plan.cache))

    async def _serve(self, service: Part) -> None:
        keeper = Keeper(service, self._tell)
        self._services.append(keeper)
        await keeper.begin()

    async def _end(self, *tasks: asyncio.Task[object]) -> None:
        tasks = (*tasks, *([self._watching] if self._watching else []))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._stack = None
        stack_file(self._plan.data).unlink(missing_ok=True)
        for group in (self._workers, self._services):
            await asyncio.gather(*(keeper.end() for keeper in group))

    def _tell(self) -> None:
        """Say how the parts are; who keeps one alive never fails for want of room to say so."""
        self._untold = False
        for say in (self._publish, self._watch):
            try:
                say(self._states())
            except (OSError, CustodyError) as error:
                self._untold = True
                log.warning("how the stack is cannot be told: %s", error)

    def _states(self) -> list[State]:
        return [keeper.state for keeper in (*self._services, *self._workers)]

    def _publish(self, states: Sequence[State]) -> None:
        if self._stack is not None:
            self._stack = msgspec.structs.replace(self._stack, processes={state.name: state.pid for state in states})
            lock.publish(self._plan.data, self._stack)

    def _describe(self, held: lock.Holder, chosen: Ports) -> Stack:
        url = f"http://{LOOPBACK}:{chosen.clickhouse}"
        return Stack(
            pid=held.pid,
            since=held.since,
            version=version("custody"),
            kafka_brokers=f"{LOOPBACK}:{chosen.kafka}",
            clickhouse_url=url,
            clickhouse_user=clickhouse.USER,
            clickhouse_password_file=clickhouse.password_file(self._plan.data).resolve(),
            schemas_url=url,
        )
