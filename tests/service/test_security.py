"""TLS and SASL against a real cluster: good clients work, and everybody else stays outside.

The cluster is the production one: three brokers started by infra/kafka/start.sh with infra/kafka/broker.properties, on
loopback ports, from the embedded stack's jars, and the registry as docker-compose.yml sets it, from Apicurio's. Their
certificates are made here.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import msgspec
import pytest
from confluent_kafka import ConsumerGroupState, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined] # its documented place

from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.registry import Frames, frames_of
from streams.kafka.writer import EventWriter
from streams.local import jars, kafka, ports
from streams.local.part import Part
from streams.settings import Settings, load
from streams.wire import envelope, schemas
from tests.service import apicurio
from tests.service.security import BAD, GOOD, Running, make_pki

pytestmark = pytest.mark.service

INFRA = Path(__file__).parents[2] / "infra" / "kafka"
NODES = (1, 2, 3)
PATIENCE = 120
REFUSAL = 2
"""Seconds of one question; a busy machine may need several to shake hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Three brokers behind TLS: where they listen, and the folder with certificates and passwords."""

    clients: tuple[int, ...]
    brokers: tuple[int, ...]
    pki: Path


def _tools(folder: Path) -> Path:
    """The two commands of a Kafka installation that start.sh calls, on our jars and our Java."""
    folder.mkdir()
    java = (str(kafka.java()), "-cp", ":".join(map(str, jars.kafka_jars(load().cache))), *kafka.JVM)
    for name, main in (("kafka-storage.sh", "kafka.tools.StorageTool"), ("kafka-server-start.sh", "kafka.Kafka")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(java)} {main} "$@"\n', encoding="utf-8")
        script.chmod(0o700)
    return folder


def _node(node: int, data: Path, chosen: Sequence[ports.Ports]) -> Part:
    """One node as docker-compose.yml runs it; only addresses, ports and folders are this machine's."""
    home = data / f"kafka-{node}"
    home.mkdir()
    text = (INFRA / "broker.properties").read_text(encoding="utf-8")
    for other in NODES:
        text = text.replace(f"kafka-{other}:9095", f"127.0.0.1:{chosen[other - 1].controller}")
    own = chosen[node - 1]
    for listener, port in (("CLIENT", 9093), ("BROKER", 9094), ("CONTROLLER", 9095)):
        text = text.replace(f"{listener}://:{port}", f"{listener}://127.0.0.1:{_port(own, listener)}")
    text = text.replace("/run/secrets", str(data / "pki")).replace("/var/lib/kafka", str(home))
    (home / "broker.properties").write_text(text, encoding="utf-8")
    return Part(
        name=f"kafka-{node}",
        command=(str(INFRA / "start.sh"),),
        log=home / "log",
        port=own.kafka,
        start_patience=PATIENCE,
        environment={
            "NODE_ID": str(node),
            "ADVERTISED_LISTENERS": f"CLIENT://127.0.0.1:{own.kafka},BROKER://127.0.0.1:{own.clickhouse}",
            "CLUSTER_ID": "Q3VzdG9keSBvZiBtYWlsIQ",
            "PASSWORD_FILE": str(data / "pki" / GOOD),
            "KAFKA_BIN": str(data / "bin"),
            "BROKER_PROPERTIES": str(home / "broker.properties"),
            "TMPDIR": str(home),
        },
    )


def _port(own: ports.Ports, listener: str) -> int:
    return {"CLIENT": own.kafka, "BROKER": own.clickhouse, "CONTROLLER": own.controller}[listener]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The production cluster, which knows the user custody."""
    data = tmp_path_factory.mktemp("secured")
    (data / "pki").mkdir()
    make_pki(data / "pki")
    _tools(data / "bin")
    chosen = _chosen(data)
    with Running([_node(node, data, chosen) for node in NODES]):
        yield Cluster(
            clients=tuple(own.kafka for own in chosen),
            brokers=tuple(own.clickhouse for own in chosen),
            pki=data / "pki",
        )


def _chosen(data: Path) -> list[ports.Ports]:
    """The ports of each node; chosen again where two have the same, since those of a node are free until it runs."""
    while True:
        folders = [Path(mkdtemp(dir=data)) for _ in NODES]
        chosen = [ports.choose(folder) for folder in folders]
        if len({port for own in chosen for port in msgspec.structs.astuple(own)}) == 3 * len(NODES):
            return chosen


@pytest.fixture(scope="module")
def registered(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a ledger whose schemas are in the production registry, which keeps them in the cluster."""
    data = tmp_path_factory.mktemp("registry")
    port = ports.choose(data).clickhouse
    part = apicurio.registry(load().cache, cluster.pki, port, cluster.brokers, data / "log")
    with Running([part]):
        apicurio.wait(port, cluster.pki / "ca.pem")
        settings = msgspec.structs.replace(
            _settings(cluster),
            ledger="drill",
            registry_url=f"https://127.0.0.1:{port}/apis/ccompat/v7",
            registry_ca_file=cluster.pki / "ca.pem",
            registry_credentials_file=cluster.pki / "registry-credentials",
        )
        topics.create(settings)
        yield settings


def _settings(
    place: Cluster,
    *,
    host: str = "127.0.0.1",
    ca: str = "ca.pem",
    user: str = "custody",
    password: str = GOOD,
) -> Settings:
    """Settings of a SASL client, from a settings file as in production."""
    return _load(
        place,
        kafka_brokers=",".join(f"{host}:{port}" for port in place.clients),
        kafka_security_protocol="sasl_ssl",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username=user,
        kafka_sasl_password_file=str(place.pki / password),
        kafka_ca_file=str(place.pki / ca),
    )


def _mutual(place: Cluster, name: str) -> Settings:
    """Settings of a client that shows a certificate."""
    return _load(
        place,
        kafka_brokers=f"127.0.0.1:{place.brokers[0]}",
        kafka_security_protocol="ssl",
        kafka_ca_file=str(place.pki / "ca.pem"),
        kafka_client_certificate_file=str(place.pki / f"{name}.pem"),
        kafka_client_key_file=str(place.pki / f"{name}.key"),
    )


def _load(place: Cluster, **values: str) -> Settings:
    file = place.pki / "custody.toml"
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in values.items()), encoding="utf-8")
    return load(data=place.pki, file=file)


def _reasons(settings: Settings, *wanted: str) -> set[str]:
    """Why a client that asks for the topics gets no answer, until a wanted reason is said; empty where it got one."""
    reasons: set[str] = set()
    config = settings.kafka_client() | {"log_level": 0}
    client = AdminClient({**config, "error_cb": lambda error: reasons.add(error.name())})  # type: ignore[dict-item]
    deadline = time.monotonic() + PATIENCE
    while reasons.isdisjoint(wanted) and time.monotonic() < deadline:
        try:
            client.list_topics(timeout=REFUSAL)
        except KafkaException as refused:
            client.poll(0)
            reasons.add(refused.args[0].name())
        else:
            return set()
    return reasons


def test_the_password_stands_in_no_argument_and_is_not_left_behind(tmp_path: Path) -> None:
    """Any account of a machine sees the arguments of its processes; the storage knows the user all the same."""
    (tmp_path / "pki").mkdir()
    make_pki(tmp_path / "pki")
    tools = _tools(tmp_path / "bin")
    storage, server = tools / "kafka-storage.sh", tools / "kafka-server-start.sh"
    noted = shlex.quote(str(tmp_path / "arguments"))
    storage.write_text(storage.read_text("utf-8").replace("exec", f'echo "$@" > {noted}\nexec', 1), "utf-8")
    server.write_text("#!/bin/sh\n", "utf-8")
    node = _node(1, tmp_path, _chosen(tmp_path))
    done = subprocess.run(node.command, capture_output=True, check=False, env={**os.environ, **node.environment})  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
    password = (tmp_path / "pki" / GOOD).read_text("utf-8").strip()
    arguments = (tmp_path / "arguments").read_text("utf-8")
    assert "format" in arguments
    assert password not in arguments
    left = {file: file.read_bytes() for file in (tmp_path / "kafka-1").rglob("*") if file.is_file()}
    assert [file for file, raw in left.items() if password.encode() in raw] == []
    assert any(b"custody" in raw for file, raw in left.items() if file.name == "bootstrap.checkpoint")


def test_a_good_login_works(cluster: Cluster) -> None:
    """The right user, password and CA open the door."""
    assert _reasons(_settings(cluster)) == set()


def test_a_ledger_lives_on_three_brokers(cluster: Cluster) -> None:
    """A ledger's topics have three copies, and a record is acknowledged by two brokers at least."""
    settings = _settings(cluster)
    assert (settings.replication_factor, settings.min_insync_replicas) == (3, 2)
    topics.create(settings)
    made = AdminClient(settings.kafka_client()).list_topics("message-events", timeout=PATIENCE).topics["message-events"]
    assert {len(partition.replicas) for partition in made.partitions.values()} == {3}
    producer = Producer(settings.kafka_client() | {"acks": "all", "enable.idempotence": True})
    producer.produce("message-events", b"x", partition=0)
    assert producer.flush(PATIENCE) == 0


def test_a_worker_joins_its_group(cluster: Cluster) -> None:
    """A Faust worker logs in with the same settings as every other client."""
    settings = _settings(cluster)
    topics.create(settings)
    own = (sys.executable, "-m", "streams.cli", "worker", "--roles", "clock")
    where = ("--data", str(cluster.pki / "worker"), "--settings", str(cluster.pki / "custody.toml"))
    worker = Part(name="clock", command=(*own, *where), log=cluster.pki / "clock.log")
    admin = AdminClient(settings.kafka_client())
    deadline = time.monotonic() + PATIENCE
    with Running([worker]):
        while "custody-clock-control-main" not in _stable_groups(admin):
            assert time.monotonic() < deadline, worker.log.read_text(encoding="utf-8")
            time.sleep(0.2)


def _stable_groups(admin: AdminClient) -> set[str]:
    """Groups that have members with partitions."""
    listed = admin.list_consumer_groups(request_timeout=PATIENCE).result(PATIENCE).valid
    return {group.group_id for group in listed if group.state == ConsumerGroupState.STABLE}


def test_a_wrong_password_is_refused(cluster: Cluster) -> None:
    """A wrong password is refused as such."""
    assert "_AUTHENTICATION" in _reasons(_settings(cluster, password=BAD), "_AUTHENTICATION")


def test_an_unknown_user_is_refused(cluster: Cluster) -> None:
    """A user that the broker does not know is refused as such."""
    assert "_AUTHENTICATION" in _reasons(_settings(cluster, user="nobody"), "_AUTHENTICATION")


def test_plain_text_is_refused(cluster: Cluster) -> None:
    """A client without TLS gets nothing."""
    assert "_TRANSPORT" in _reasons(_load(cluster, kafka_brokers=f"127.0.0.1:{cluster.clients[0]}"), "_TRANSPORT")


def test_an_untrusted_broker_is_refused(cluster: Cluster) -> None:
    """A client that trusts another CA does not talk to this broker, and its password does not leave."""
    assert "_SSL" in _reasons(_settings(cluster, ca="other-ca.pem"), "_SSL")


def test_a_broker_of_another_name_is_refused(cluster: Cluster) -> None:
    """A certificate for another name than the one that was called is refused."""
    assert "_SSL" in _reasons(_settings(cluster, host="localhost"), "_SSL")


def test_a_client_certificate_works(cluster: Cluster) -> None:
    """A certificate of the brokers' CA opens the brokers' own door without a password."""
    assert _reasons(_mutual(cluster, "client")) == set()


def test_a_strangers_certificate_is_refused(cluster: Cluster) -> None:
    """A certificate of another CA does not open the door."""
    assert _reasons(_mutual(cluster, "stranger"), "_SSL", "_TRANSPORT") & {"_SSL", "_TRANSPORT"}


def _frames(settings: Settings) -> dict[str, Frames]:
    """How the ids of all topics with a schema are exchanged."""
    return {name: found for name in topics.all_topics() if (found := frames_of(settings, name))}


def test_the_registry_knows_every_schema_once(registered: Settings) -> None:
    """Each is registered under its topic, found again by the next process, and not registered a second time."""
    first = _frames(registered)
    next_process = msgspec.structs.replace(registered, registry_url=f"{registered.registry_url}/")
    assert _frames(next_process) == first
    assert set(first) == {name for name, topic in topics.all_topics().items() if topic.schema}
    for name, topic in topics.all_topics().items():
        if topic.schema:
            asked = f"{registered.registry_url}/subjects/drill-{name}-value/versions"
            versions = apicurio.ask(asked, registered.registry_ca_file or Path())
            assert len(versions) == len(schemas.ids()[topic.schema])


def test_a_record_carries_the_registrys_id(registered: Settings) -> None:
    """An event is another's in Kafka, and ours again when it is read."""
    ours = _frames(registered)["message-events"]
    event = MessageEvent(
        event_id=bytes(16), kind=Kind.READ, occurred_at=1, observed_at=1, leg=bytes(16), message_key="/host/id"
    )
    writer = EventWriter(KafkaLog(registered).writer())
    writer.write([event])
    writer.flush()
    as_it_is = KafkaLog(msgspec.structs.replace(registered, registry_url=None)).read_range("message-events")
    value = envelope.encode(event)
    assert [part.values for part in as_it_is] == [[ours.outward(value)]]
    assert ours.outward(value) != value
    assert [part.values for part in KafkaLog(registered).read_range("message-events")] == [[value]]


def test_the_registry_forgets_nothing(registered: Settings) -> None:
    """The topic that it keeps its schemas in has no end: with it, the ids of a ledger's records would be lost."""
    _frames(registered)
    journal = ConfigResource(ConfigResource.Type.TOPIC, "kafkasql-journal")
    admin = AdminClient(registered.kafka_client())
    told = admin.describe_configs([journal])[journal].result(PATIENCE)
    assert {told[name].value for name in ("retention.ms", "retention.bytes")} == {"-1"}


def test_a_stranger_is_refused_by_the_registry(registered: Settings, cluster: Cluster) -> None:
    """Without a password, or with a wrong one, no schema is read or registered."""
    stranger = cluster.pki / "stranger-credentials"
    stranger.write_text("custody:wrong", encoding="utf-8")
    for credentials in (None, stranger):
        with pytest.raises(Misuse, match="answers 401"):
            frames_of(msgspec.structs.replace(registered, registry_credentials_file=credentials), "alerts")
