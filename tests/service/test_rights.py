"""Every part with the rights that infra/rights.md says it needs, and no others, at a real broker with an authorizer."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from streams.cli.app import custody
from streams.core.events import Kind
from streams.kafka.fetching import NOBODY
from streams.kafka.names import LETTERS
from streams.kafka.topics import topic_name
from streams.kafka.writer import Writer
from streams.local import clickhouse, kafka, ports
from streams.local.part import Part
from streams.settings import ROLES, Settings, load
from tests.core.journeys import event, submitted
from tests.faults.mail import line
from tests.service import rights
from tests.service.rights import Right
from tests.service.security import Running
from tests.waiting import until

pytestmark = pytest.mark.service

LEDGER = "mail"
PATIENCE = 120.0
DAY = 86_400

ADMIN = "admin"
USERS = ("collectors", *ROLES, "orders", "looks")

BAD = ("progress", "message-events", "alerts", "commands")
"""Topics that get a record that nobody understands, so that each who reads them writes a dead letter."""

SOURCES = """
until = {until}

[[hosts]]
name = "origin"

[[sources]]
name = "one"
kind = "jsonl"
paths = ["one.jsonl"]

[[sources]]
name = "other"
kind = "jsonl"
paths = ["other.jsonl"]

[[sources]]
name = "door"
kind = "postfix"
host = "origin"
paths = ["mail.log"]
"""

TURNED_AWAY = "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no; from=<a@x.test> to=<c@dest.test> proto=ESMTP"

OVER = "the ledger has new terms"
"""What a tracker says before it ends in order."""

UNSEEN = Right("collectors", "WRITE", "TOPIC", topic_name(LETTERS, LEDGER))
"""What nobody does here: a collector passes over what is too large before a writer could refuse it."""

AUTHORIZER = "logger.rights.name = kafka.authorizer.logger\nlogger.rights.level = debug\n"
"""Added to the broker's logging: who is allowed something is named, too, not only who is refused."""


@dataclass(frozen=True, slots=True)
class House:
    """A broker with an authorizer, and a warehouse; each user has settings, and so has the admin."""

    folder: Path
    passwords: dict[str, str] = field(default_factory=lambda: {one: secrets.token_hex(8) for one in (ADMIN, *USERS)})

    @property
    def log(self) -> Path:
        """The broker's."""
        return self.folder / "log" / "kafka.log"

    def parts(self) -> list[Part]:
        """Broker and warehouse, which are not started."""
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
        with (self.folder / "kafka" / "log4j2.properties").open("a", encoding="ascii") as logging:
            logging.write(AUTHORIZER)
        warehouse = clickhouse.warehouse(self.folder, chosen)
        for user, password in self.passwords.items():
            self._describe(user, password, chosen)
        return [broker, warehouse]

    def _describe(self, user: str, password: str, chosen: ports.Ports) -> None:
        secret = self.folder / "secrets" / user
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
            "clickhouse_url": f"http://{ports.LOOPBACK}:{chosen.clickhouse}",
            "clickhouse_password_file": str(clickhouse.password_file(self.folder)),
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

    def worker(self, role: str) -> Part:
        """The worker of a role, who is its user."""
        return self.process(role, "worker", "--roles", role)

    def ask(self, user: str, *command: str) -> Result:
        """A command of a user that ends."""
        return CliRunner().invoke(custody, [*command, "--settings", str(self.file(user))])

    def told(self, user: str, *command: str, code: int = 0) -> Any:
        """What a command of a user answers; it ends as it should."""
        result = self.ask(user, *command, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def denied(self) -> set[tuple[Right, str]]:
        """What the broker refused to a user so far."""
        return {one for one in rights.said(self.log, "Denied") if one[0].user in USERS}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One where a ledger has its topics, and each user the rights that the page lists."""
    made = House(tmp_path_factory.mktemp("rights"))
    with Running(made.parts()):
        assert made.ask(ADMIN, "topics", "--create").exit_code == 0
        rights.grant(AdminClient({**made.settings(ADMIN).kafka_client()}), rights.table(LEDGER))
        yield made


def _evidence(folder: Path) -> Path:
    """Logs of one host, and what declares them: messages that it does not send on, or that are deleted or refused."""
    at = time.time() // DAY * DAY - 2 * DAY
    gone = event(Kind.DELETED, at + 1, key="gone@origin.test", host="origin", queue_id="A2")
    (folder / "one.jsonl").write_bytes(b"".join(map(line, submitted(at, "A1", key="late@origin.test"))))
    (folder / "other.jsonl").write_bytes(b"".join(map(line, [*submitted(at, "A2", key=gone.message_key), gone])))
    said = time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime(at))
    (folder / "mail.log").write_text(f"{said} origin postfix/smtpd[7]: {TURNED_AWAY}\n", encoding="utf-8")
    sources, end = folder / "sources.toml", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at + DAY))
    sources.write_text(SOURCES.format(until=end), encoding="utf-8")
    return sources


def test_each_part_has_the_rights_that_it_needs_and_no_others(house: House) -> None:
    """Everything comes out, nobody is refused anything, and all that the page lists is used."""
    before = house.denied()
    with _explained(house):
        parts = _work(house)
        assert house.denied() == before
    for part in parts:
        assert "authoriz" not in _said(part).lower()


@contextmanager
def _explained(house: House) -> Iterator[None]:
    """Where the block fails, what was refused and what nobody used is said, too."""
    try:
        yield
    except AssertionError as error:
        for what, found in (("refused", {one for one, _ in house.denied()}), ("unused", _unused(house))):
            error.add_note("\n  ".join([f"{what}:", *(" ".join(one) for one in sorted(found))]))
        raise


def _work(house: House) -> list[Part]:
    """Let each part do its work, with its rights; returns those that ran."""
    sources = str(_evidence(house.folder))
    # Who begins looks at the first records of a ledger, so there are some.
    assert house.told("collectors", "collect", "jsonl", "--sources", sources, "--source", "one")["through"]
    track, cases, clock, feed = (house.worker(role) for role in ("track", "cases", "clock", "feed"))
    follows = house.process("looks", "alerts", "--follow")
    with Running([clock, feed, follows]):
        with Running([track, cases]):
            assert house.told("collectors", "import", sources)["through"]
            _garble(house)
            until(lambda: {"stuck", "deleted"} <= set(_said(follows).split()), "two alarms that are said", PATIENCE)
            _order(house)
            _look(house)
            house.told("orders", "withdraw", "one")
            house.told("orders", "terms", "use", "guaranteed")
            until(lambda: OVER in _said(track), "the tracker ends for new terms", PATIENCE)
        with Running([track, cases]):  # they take up what was kept, and what was told
            until(lambda: not _unused(house), "all rights are used", PATIENCE)
    return [track, cases, clock, feed, follows]


def _said(part: Part) -> str:
    """What it has written so far."""
    return part.log.read_text(encoding="utf-8")


def _order(house: House) -> None:
    """Orders of every kind, each when there is what it is about; in the end they are in the warehouse."""
    until(lambda: {"stuck", "deleted"} <= {one["rule"] for one in _rows(house, "alerts")}, "the alarms", PATIENCE)
    case = until(lambda: _rows(house, "cases"), "a case", PATIENCE)[0]["case_id"]
    why = ("--by", "Doe", "--reason", "seen")
    house.told("orders", "cases", "--acknowledge", case, *why)
    discharge = ("cases", "--discharge", "late@origin.test", "--recipient", "bob@dest.test", *why)
    until(lambda: house.ask("orders", *discharge).exit_code == 0, "the message that is discharged", PATIENCE)
    until(lambda: "acknowledged" in {one["state"] for one in _rows(house, "cases")}, "a case that is seen", PATIENCE)


def _look(house: House) -> None:
    """Who looks is answered; of nothing that is unread calm is said only when all was judged."""
    until(lambda: house.ask("looks", "alerts", "--rule", "unread", "--check").exit_code == 0, "calm", PATIENCE)
    bad = {topic_name(name, LEDGER) for name in BAD}
    until(lambda: _letters(house) == bad, "a dead letter of each topic", PATIENCE)
    until(lambda: house.ask("looks", "replay", "--diff").exit_code == 0, "a replay that tells the same", PATIENCE)
    until(lambda: _wrong(house) == {"letters"}, "a doctor who finds them, and nothing else", PATIENCE)


def _letters(house: House) -> set[str]:
    """Topics of which something could not be understood."""
    return {letter["topic"] for letter in house.told("looks", "topics", "--dead-letters")}


def _wrong(house: House) -> set[str]:
    """What the doctor finds that is not as it should be."""
    return {one["name"] for one in house.told("looks", "doctor", code=1) if not one["ok"]}


def _rows(house: House, name: str) -> list[dict[str, Any]]:
    """What a list of the warehouse says; nothing, while there is no such list."""
    result = house.ask("looks", name, "--json")
    rows: list[dict[str, Any]] = json.loads(result.stdout)[name] if result.exit_code == 0 else []
    return rows


def _unused(house: House) -> set[Right]:
    """What the page lists and nobody used so far."""
    used = {right for right, _ in rights.said(house.log, "Allowed")}
    used |= {right._replace(name="*") for right in used if right.name != NOBODY}
    return rights.table(LEDGER) - used - {UNSEEN}


def _garble(house: House) -> None:
    writer = Writer(house.settings(ADMIN))
    for topic in BAD:
        writer.write(topic, b"garbled", b"nothing that anybody understands")
    writer.flush()


def test_a_worker_whose_group_is_refused_says_so_and_ends(house: House) -> None:
    """Faust would wait for ever, without a word; who gives orders may read what every worker looks at before."""
    clock = house.process("orders", "worker", "--roles", "clock")
    ended = subprocess.run(clock.command, capture_output=True, check=False, text=True, timeout=PATIENCE)  # noqa: S603 - ourselves
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Kafka refuses us" in ended.stderr
