"""The Faust workers: one role a process. The only place where a port meets an adapter.

Roles:
- clock: an agent on `progress` writes ticks when the least `through` of the declared sources advances.
- track: the tracker's hot loop as a service of the app; its control agent hears of new terms.
- feed: the warehouse's hot loop as a service of the app, likewise.
- cases: an agent on `alerts` and one on `commands` keep the cases table, with the topic `cases` out.

Rules:
- A hot loop and its app die together: a worker that looks healthy and does nothing is the worst of all.
- Values are raw bytes here, decoded inside the agents with dead letters of our own: Faust would drop what it cannot
  read.
- Faust's web server is off: it would serve tables to anyone.
"""

import asyncio
import logging
import signal
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import faust
import msgspec
from mode import Service

from streams import profiles
from streams.core.errors import CustodyError, Misuse, Undecodable
from streams.core.terms import Terms
from streams.kafka import progress, registry
from streams.kafka.broker import KafkaLog
from streams.kafka.deadletters import DeadLetters
from streams.kafka.topics import topic_name
from streams.kafka.writer import Writer
from streams.respond import cases
from streams.settings import Settings
from streams.wire import records

log = logging.getLogger(__name__)

ROLES = ("clock", "track", "feed", "cases")

_LOOK = 1.0
"""Seconds between the clock writer's looks at its sources."""


class Loop(Protocol):
    """A hot loop: steps until stopped, keeps, and leaves."""

    def run(self, stopped: Callable[[], bool]) -> None:
        """Run in a thread of its own; an exception ends the worker."""
        ...


def app_of(role: str, settings: Settings) -> Any:
    """The Faust app of a role.

    Raises:
        Misuse: there is no such role.
    """
    made = {"clock": _clock, "track": _track, "feed": _feed, "cases": _cases}.get(role)
    if made is None:
        raise Misuse(f"There is no worker role {role!r}.", hint=f"roles: {', '.join(ROLES)}")
    app = _app(role, settings)
    made(app, settings)
    return app


def run(role: str, settings: Settings) -> int:
    """Run one role in this process until it is stopped; returns the exit code."""
    app = app_of(role, settings)
    worker = faust.Worker(app, loglevel=settings.log_level, debug=False)
    worker.execute_from_commandline()
    return 0


def terms_of(settings: Settings) -> Terms:
    """The terms that the ledger's log declares last; the default where it declares none.

    Raises:
        Misuse: they cannot be read.
    """
    text = progress.latest_terms(KafkaLog(settings))
    return profiles.load() if text is None else profiles.parse(text, "the ledger's terms")


def _app(role: str, settings: Settings) -> Any:
    folder = settings.data / "faust" / f"{settings.ledger}-{role}"
    folder.mkdir(parents=True, exist_ok=True)
    return faust.App(
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
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        table_standby_replicas=0,
    )


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
    from streams.track import ticks  # noqa: PLC0415 - each role imports what it needs
    from streams.track.timekeeper import Timekeeper  # noqa: PLC0415

    keeper, writer = Timekeeper(), Writer(settings)
    topic = app.topic(topic_name("progress", settings.ledger))

    def look() -> None:
        tick = keeper.tick(time.time_ns() // 1000)
        if tick is not None:
            ticks.write(writer, tick)

    async def hear(values: Any) -> None:
        async for value in values:
            _heard(keeper, registry.inward(settings, "progress", value))
            await asyncio.to_thread(look)

    async def start(*_: Any, **__: Any) -> None:
        for said in await asyncio.to_thread(lambda: list(progress.all_progress(KafkaLog(settings)))):
            keeper.hear(said)

    async def watch() -> None:
        await asyncio.to_thread(look)

    app.agent(topic, name="progress")(hear)
    app.on_partitions_assigned.connect(start, weak=False)
    app.timer(_LOOK)(watch)


def _heard(keeper: Any, value: bytes | None) -> None:
    try:
        keeper.hear(progress.read(value))
    except Undecodable as error:
        log.warning("a progress record was passed over: %s", error)


# track and feed


def _track(app: Any, settings: Settings) -> None:
    from streams.track.tracker import Tracker  # noqa: PLC0415

    terms = terms_of(settings)
    _serve(app, settings, lambda: Tracker(KafkaLog(settings), terms, member="0"), terms)


def _feed(app: Any, settings: Settings) -> None:
    from streams.warehouse.feed import Feeds  # noqa: PLC0415
    from streams.warehouse.store import ClickHouse  # noqa: PLC0415

    _serve(app, settings, lambda: Feeds(KafkaLog(settings), ClickHouse(settings), member="0"), None)


def _serve(app: Any, settings: Settings, make: Callable[[], Loop], terms: Terms | None) -> None:
    """Run a hot loop as a service of the app, and a small control agent beside it."""
    app.service(_hot(make))

    async def control(values: Any) -> None:
        async for value in values:
            if terms is not None and _is_new(value, terms):
                log.warning("the ledger has new terms: starting again")
                _end()

    app.agent(app.topic(topic_name("progress", settings.ledger)), name="control")(control)


def _hot(make: Callable[[], Loop]) -> type[Service]:
    class Hot(Service):
        """The loop, in a thread of its own; it and the app die together."""

        async def on_start(self) -> None:
            self.stop_event = threading.Event()

        async def on_stop(self) -> None:
            self.stop_event.set()

        @Service.task
        async def loop_until_stopped(self) -> None:
            try:
                await asyncio.to_thread(lambda: make().run(self.stop_event.is_set))
            except CustodyError as error:
                log.error("stopped: %s %s", error, error.hint)  # noqa: TRY400 - a sentence, not a traceback
                await self.crash(error)
                raise
            if not self.should_stop:
                _end()

    return Hot


def _end() -> None:
    """End this worker in order; an agent that waited for its own app to stop would wait for ever."""
    signal.raise_signal(signal.SIGTERM)


def _is_new(value: bytes, terms: Terms) -> bool:
    try:
        said = progress.read(value)
        return said["source"] == "terms" and profiles.parse(said["text"], "terms").version != terms.version
    except (Undecodable, Misuse) as error:
        log.warning("a progress record was passed over: %s", error)
        return False


# cases


def _cases(app: Any, settings: Settings) -> None:
    desk = _Desk(app, settings)
    app.agent(app.topic(topic_name("alerts", settings.ledger)), name="alerts")(desk.hear)
    app.agent(app.topic(topic_name("commands", settings.ledger)), name="commands")(desk.obey)


class _Desk:
    """The cases table, and who writes it."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._settings = settings
        self._writer = Writer(settings)
        self._letters = DeadLetters(self._writer)
        self._table = app.Table("cases", partitions=1, key_type=bytes, value_type=bytes)

    async def hear(self, stream: Any) -> None:
        """Alerts open, fill and close cases."""
        async for event in stream.events():
            try:
                alert = progress.plain(records.decode("alert", self._in("alerts", event.value)))
            except Undecodable as error:
                self._pass_over("alerts", event.message, error)
            else:
                self._put(cases.take(self._held(cases.case_id(alert)), alert))

    async def obey(self, stream: Any) -> None:
        """Operators acknowledge."""
        async for event in stream.events():
            try:
                command = records.decode("command", self._in("commands", event.value))
                case = self._held(bytes.fromhex(command["subject"])) if command["action"] == "acknowledge" else None
            except (Undecodable, ValueError) as error:
                self._pass_over("commands", event.message, error)
                continue
            if case is not None:
                self._put(cases.acknowledge(case, command["author"], command["reason"]))

    def _in(self, topic: str, value: bytes | None) -> bytes | None:
        return registry.inward(self._settings, topic, value)

    def _held(self, number: bytes) -> cases.Case | None:
        raw = self._table.get(number)
        return msgspec.msgpack.decode(raw, type=cases.Case) if raw else None

    def _put(self, case: cases.Case) -> None:
        self._table[case.case_id] = msgspec.msgpack.encode(case)
        self._writer.write("cases", case.case_id, records.encode("case", cases.record(case)))
        self._writer.flush()

    def _pass_over(self, topic: str, message: Any, error: Exception) -> None:
        self._letters.put(topic, message.partition, message.offset, message.value, str(error))
