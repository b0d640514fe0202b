"""The Faust workers: one role a process.

Roles:
- clock: an agent on `progress` writes ticks when the least `through` of the declared sources advances.
- track: the tracker's hot loop as a service of the app; a timer looks whether the ledger has new terms.
- feed: the warehouse's hot loop as a service of the app; it looks up the terms by itself.
- cases: agents keep the cases table (caseworker.py).

Rules:
- A role makes the ledger's topics that are missing, and checks the others, before anything else: it would ignore those
  that come later, and serve half a ledger of more partitions for ever. Where the brokers do not answer it ends, and
  whoever started it starts it again.
- Each tracker looks for new terms by itself: an agent on `progress` hears of them in one worker of its role only.
- A hot loop and its app die together: a worker that looks healthy and does nothing is the worst of all.
- Values are raw bytes here, decoded inside the agents with dead letters of our own: Faust would drop what it cannot
  read.
- What an agent could not do ends the worker at once: Faust would commit it as done.
- Faust's web server is off: it would serve tables to anyone.
"""

import asyncio
import logging
import signal
import ssl
import threading
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NoReturn, Protocol

import faust
from mode import Service
from mode.utils.queues import FlowControlEvent

from streams import caseworker, farewell, files, process
from streams.caseworker import HEARTBEAT, SESSION, taken
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.kafka import membership, numbering, registry
from streams.kafka.broker import KafkaLog
from streams.kafka.names import PROGRESS
from streams.kafka.terms import TermsWatch, terms_of
from streams.kafka.topics import answers, create, topic_name
from streams.settings import ROLES, Settings
from streams.wall import Wall

log = logging.getLogger(__name__)

_LOOK = 1.0
"""Seconds between the clock writer's looks at its sources."""

_TERMS_EVERY = 5.0
"""Seconds between a tracker's looks at the terms that the ledger declares."""


class Loop(Protocol):
    """A hot loop: steps until stopped, keeps, and leaves."""

    def run(self, stopped: Callable[[], bool]) -> None:
        """Run in a thread of its own; an exception ends the worker."""
        ...


def app_of(role: str, settings: Settings) -> Any:
    """The Faust app of a role; the ledger's topics are there.

    Raises:
        Misuse: there is no such role, a topic has another number of partitions than the settings say, the ledger has
            other ids of schemas, or its terms cannot be read.
        Unavailable: the brokers do not answer, or refuse to make what is missing.
    """
    made = {"clock": _clock, "track": _track, "feed": _feed, "cases": caseworker.serve}.get(role)
    if made is None:
        raise Misuse(f"There is no worker role {role!r}.", hint=f"roles: {', '.join(ROLES)}")
    create(settings)
    numbering.check(KafkaLog(settings))
    app = _app(role, settings)
    made(app, settings)
    return app


def run(role: str, settings: Settings) -> NoReturn:
    """Run one role in this process until it is stopped, and end the process.

    Raises:
        Misuse: there is no such role, the ledger has other ids of schemas, or the brokers refuse us the role's group.
        Unavailable: a service does not answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own would be heard when the brokers have answered
    app = app_of(role, settings)
    membership.check(settings, app.conf.id)
    worker = farewell.Worker(app, loglevel=settings.log_level, debug=False)
    worker.asks = app.asks
    worker.execute_from_commandline()


class _App(faust.App):
    """An app that ends surely, whichever of its parts fails: a timer, a rebalance, a hot loop.

    Attributes:
        asks: whether each service that it works with answers within some seconds.
    """

    asks: tuple[farewell.Ask, ...]

    @cached_property
    def flow_control(self) -> FlowControlEvent:
        """What lets records go to agents."""
        return _Flow(loop=self.loop)

    def _crash(self, reason: BaseException) -> None:
        farewell.end_surely()
        super()._crash(reason)


class _Flow(FlowControlEvent):
    """A flow that drops what waits in it only when it was stopped.

    Faust resumes it once more when a table was put back, and would drop what came meanwhile, though nobody gives that
    again.
    """

    def resume(self) -> None:
        """Let go on what was stopped."""
        if not self.is_active():
            super().resume()


def _app(role: str, settings: Settings) -> Any:
    folder = settings.data / "faust" / f"{settings.ledger}-{role}"
    files.make_folder(folder)
    app = _App(
        f"custody-{role}-control-{settings.ledger}",  # a group of its own: the hot loop has another
        broker=[f"kafka://{place}" for place in str(settings.kafka_client()["bootstrap.servers"]).split(",")],
        broker_credentials=_credentials(settings),
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        datadir=str(folder),
        web_enabled=False,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        broker_request_timeout=20.0,  # with Faust's 90 s, nothing is said of a broker that is away for a minute
        broker_session_timeout=SESSION,
        broker_heartbeat_interval=HEARTBEAT,
        table_standby_replicas=0,
    )
    app.asks = (partial(answers, settings),)
    return app


def _credentials(settings: Settings) -> Any:
    """Faust's form of the security settings that librdkafka has."""
    client = settings.kafka_client()
    protocol = settings.kafka_security_protocol
    context = None
    if protocol.endswith("ssl"):
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if "ssl.certificate.location" in client:
            context.load_cert_chain(str(client["ssl.certificate.location"]), str(client["ssl.key.location"]))
    match protocol:
        case "plaintext":
            return None
        case "ssl":
            return faust.SSLCredentials(context)
        case _:
            return faust.SASLCredentials(
                username=str(client["sasl.username"]),
                password=str(client["sasl.password"]),
                mechanism=str(client["sasl.mechanism"]),
                ssl_context=context,
            )


# clock


def _clock(app: Any, settings: Settings) -> None:
    from streams.track.ticks import Ticker  # noqa: PLC0415 - each role imports what it needs

    ticker = Ticker(KafkaLog(settings))
    topic = app.topic(topic_name(PROGRESS, settings.ledger))

    def take(value: bytes | None, offset: int) -> None:
        with taken(PROGRESS):
            ticker.hear(registry.inward(settings, PROGRESS, value), offset)
            ticker.look()

    async def hear(stream: Any) -> None:
        async for event in stream.events():
            await asyncio.to_thread(take, event.value, event.message.offset)

    async def start(*_: Any, **__: Any) -> None:
        await asyncio.to_thread(ticker.recall)

    async def watch() -> None:
        await asyncio.to_thread(ticker.look)

    app.agent(topic, name="progress")(hear)
    app.on_partitions_assigned.connect(start, weak=False)
    app.timer(_LOOK)(watch)


# track and feed


def _track(app: Any, settings: Settings) -> None:
    from streams.track.tracker import Tracker  # noqa: PLC0415

    process.give_back()
    terms = terms_of(KafkaLog(settings))[1]
    _serve(app, settings, lambda wall: Tracker(KafkaLog(settings), terms, settings.worker_name, wall))
    app.timer(_TERMS_EVERY)(_watching(TermsWatch(KafkaLog(settings), terms)))


def _watching(watch: TermsWatch) -> Any:
    async def look() -> None:
        try:
            is_over = await asyncio.to_thread(watch.superseded)
        except Unavailable as error:
            log.info("whether there are new terms is not known: %s", error)
            return
        if is_over:
            log.warning("the ledger has new terms: starting again")
            farewell.end()

    return look


def _feed(app: Any, settings: Settings) -> None:
    from streams.warehouse import client  # noqa: PLC0415
    from streams.warehouse.feed import Feeds  # noqa: PLC0415
    from streams.warehouse.store import ClickHouse  # noqa: PLC0415

    settings.clickhouse_client()  # where no warehouse is named, waiting for it would be for ever
    app.asks = (*app.asks, partial(client.answers, settings))
    _serve(app, settings, lambda wall: Feeds(KafkaLog(settings), ClickHouse(settings), settings.worker_name, wall))


def _serve(app: Any, settings: Settings, make: Callable[[Wall], Loop]) -> None:
    """Run a hot loop as a service of the app, which must read something, too: Faust starts nothing else."""

    async def pass_over(values: Any) -> None:
        async for _ in values:
            pass

    app.service(_hot(make))
    app.agent(app.topic(topic_name(PROGRESS, settings.ledger)), name="control")(pass_over)


def _hot(make: Callable[[Wall], Loop]) -> type[Service]:
    class Hot(Service):
        """The loop, in a thread of its own; it and the app die together."""

        async def on_start(self) -> None:
            self.stop_event = threading.Event()

        async def on_stop(self) -> None:
            self.stop_event.set()

        @Service.task
        async def loop_until_stopped(self) -> None:
            try:
                await asyncio.to_thread(farewell.loop, lambda wall: make(wall).run, self.stop_event)
            except CustodyError as error:
                log.error("stopped: %s %s", error, error.hint)  # noqa: TRY400 - a sentence, not a traceback
                farewell.end_surely()
                await self.crash(error)
                raise
            except asyncio.CancelledError:  # Faust ends in order, and the loop has heard of it
                raise
            except BaseException:  # a bug, of ours or of a library: what polars panics with is no Exception
                farewell.end_surely()
                raise
            if not self.should_stop:
                farewell.end()

    return Hot
