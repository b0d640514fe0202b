"""What infra/rights.md does not grant is refused, at a real broker with an authorizer, and a worker says so."""

import json
import secrets
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.kafka import membership
from streams.kafka.fetching import NOBODY
from streams.kafka.names import EVENTS, tracker_group
from streams.kafka.topics import all_topics, topic_name
from streams.local import kafka, ports
from streams.local.part import Part
from streams.settings import ROLES, ClientSettings, Settings, load
from tests.service import rights
from tests.service.rights import Right
from tests.service.security import Running
from tests.waiting import until

pytestmark = pytest.mark.service

LEDGER = "mail"
PATIENCE = 120.0

ADMIN = "admin"
USERS = ("collectors", *ROLES, "orders", "looks")

TOPIC_REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED


@dataclass(frozen=True, slots=True)
class House:
    """A broker with an authorizer; each user has settings, and so has the admin."""

    folder: Path
    passwords: dict[str, str] = field(default_factory=lambda: {one: secrets.token_hex(8) for one in (ADMIN, *USERS)})

    def parts(self) -> list[Part]:
        """The broker, which is not started."""
        chosen = ports.choose(self.folder)
        known = " ".join(f'user_{user}="{password}"' for user, password in self.passwords.items())
        own = f'username="{ADMIN}" password="{self.passwords[ADMIN]}"'
        login = f"org.apache.kafka.common.security.plain.PlainLoginModule required {own} {known};"
        properties = {
            **{name: value.replace("PLAINTEXT:/", "CLIENT:/") for name, value in kafka.listeners(chosen).items()},
            "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "CLIENT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.client.plain.sasl.jaas.config": login,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{ADMIN};User:ANONYMOUS",  # who comes to the controller's port has no name
            "allow.everyone.if.no.acl.found": "false",
        }
        broker = kafka.broker(self.folder, chosen, load().cache, properties=properties)
        for user, password in self.passwords.items():
            self._describe(user, password, chosen)
        return [broker]

    def _describe(self, user: str, password: str, chosen: ports.Ports) -> None:
        secret = self.folder / "secrets" / user
        secret.parent.mkdir(mode=0o700, exist_ok=True)
        secret.write_text(password, encoding="utf-8")
        values = {
            "data": str(self.folder / user),
            "ledger": LEDGER,
            "replication_factor": 1,
            "min_insync_replicas": 1,
            "kafka_brokers": f"{ports.LOOPBACK}:{chosen.kafka}",
            "kafka_security_protocol": "sasl_plaintext",
            "kafka_sasl_mechanism": "PLAIN",
            "kafka_sasl_username": user,
            "kafka_sasl_password_file": str(secret),
        }
        (self.folder / user).mkdir(mode=0o700)
        written = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        self.file(user).write_text(written, encoding="utf-8")

    def file(self, user: str) -> Path:
        """The settings file of a user."""
        return self.folder / f"{user}.toml"

    def settings(self, user: str) -> Settings:
        """The same, read."""
        return load(file=self.file(user))

    def process(self, user: str, *command: str) -> Part:
        """A command of a user that runs on; its log is that of all that the user ran so."""
        own = (sys.executable, "-m", "streams.cli", *command, "--settings", str(self.file(user)))
        return Part(name=user, command=own, log=self.folder / f"{user}.log")

    def ask(self, user: str, *command: str) -> Result:
        """A command of a user that ends."""
        return CliRunner().invoke(custody, [*command, "--settings", str(self.file(user))])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One where a ledger has its topics, and each user the rights that the page lists."""
    made = House(tmp_path_factory.mktemp("rights"))
    with Running(made.parts()):
        assert made.ask(ADMIN, "topics", "--create").exit_code == 0
        rights.grant(_admin(made), rights.table(LEDGER))
        yield made


def _admin(house: House, user: str = ADMIN) -> AdminClient:
    return AdminClient({**house.settings(user).kafka_client()})


def test_what_is_not_granted_is_refused(house: House) -> None:
    """Nobody writes or reads what the page does not list for them, takes the tracker's place, or deletes a topic."""
    granted, every = rights.table(LEDGER), [topic_name(name, LEDGER) for name in all_topics()]
    for user in USERS:
        lacks = {
            operation: {name for name in every if Right(user, operation, "TOPIC", name) not in granted}
            for operation in ("WRITE", "READ")
        }
        config = house.settings(user).kafka_client()
        assert _refused_writes(config, lacks["WRITE"]) == dict.fromkeys(lacks["WRITE"], TOPIC_REFUSED)
        assert _refused_reads(config, lacks["READ"]) == dict.fromkeys(lacks["READ"], TOPIC_REFUSED)
        admin = _admin(house, user)
        for future in admin.delete_topics(every).values():
            with pytest.raises(KafkaException) as refused:
                future.result(PATIENCE)
            assert refused.value.args[0].code() == TOPIC_REFUSED
        if user not in {"looks", "track"}:
            with pytest.raises(Misuse, match="Kafka refuses us"):
                membership.check(house.settings(user), tracker_group(LEDGER))
    place = TopicPartition(topic_name(EVENTS, LEDGER), 0, 0)
    consumer = Consumer(house.settings("looks").kafka_client() | {"group.id": tracker_group(LEDGER)})
    with pytest.raises(KafkaException) as refused:  # who may ask for the group
        consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()
    assert refused.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def _refused_writes(config: ClientSettings, topics: Iterable[str]) -> dict[str, int]:
    """The error with which each topic refuses a record; 0 where it does not."""
    errors: dict[str, int] = {}
    producer = Producer(config)
    for topic in topics:
        producer.produce(topic, b"forbidden", on_delivery=partial(_note, errors))
    producer.flush(PATIENCE)
    return errors


def _refused_reads(config: ClientSettings, topics: Collection[str]) -> dict[str, int]:
    """The error with which each topic refuses to be read; 0 where it does not."""
    errors: dict[str, int] = {}
    consumer = Consumer(config | {"group.id": NOBODY})
    consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])

    def looked() -> bool:
        for message in consumer.consume(100, 0.1):
            _note(errors, message.error(), message)
        return errors.keys() == set(topics)

    until(looked, "an answer of each topic", PATIENCE)
    consumer.close()
    return errors


def _note(errors: dict[str, int], error: KafkaError | None, message: Message) -> None:
    errors[message.topic() or ""] = error.code() if error else 0


def test_a_worker_whose_group_is_refused_says_so_and_ends(house: House) -> None:
    """Faust would wait for ever, without a word; who gives orders may read what every worker looks at before."""
    clock = house.process("orders", "worker", "--roles", "clock")
    ended = subprocess.run(clock.command, capture_output=True, check=False, text=True, timeout=PATIENCE)  # noqa: S603 - ourselves
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Kafka refuses us" in ended.stderr
