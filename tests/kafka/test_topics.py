"""Topics: described by files, made once, their partitions fixed for a ledger's life."""

import json

import msgspec
import pytest
from click.testing import CliRunner
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are public all the same
    AdminClient,
    ConfigResource,
    ConfigSource,
    ResourceType,
)

from streams.cli.topics import command
from streams.core.errors import Misuse, NoTopic, Unavailable
from streams.kafka import names, topics
from streams.kafka.topics import all_topics, topic_name
from streams.settings import Settings
from tests.kafka.brokers import PLACE, Brokers, counts

FILE = """
what: Something.
key: its name
producers: one
consumers: another
schema: alert
partitions: ledger
cleanup: delete
retention_days: 3
"""


def test_a_file_describes_a_topic() -> None:
    """Every key is read; the ledger decides the number of partitions where the file says so."""
    topic = topics.read("things", FILE)
    assert (topic.name, topic.schema, topic.partitions, topic.cleanup, topic.retention_days) == (
        "things", "alert", None, "delete", 3,
    )  # fmt: skip
    assert topics.partitions(topic, Settings(partitions=7)) == 7


@pytest.mark.parametrize(
    "text",
    [
        FILE + "partition: 3\n",
        FILE.replace("key: its name\n", ""),
        FILE.replace("delete", "shred"),
        FILE.replace("3", "soon"),
        "- a list",
        "key: [unclosed",
        "",
    ],
)
def test_a_file_that_is_wrong_is_refused(text: str) -> None:
    """A key too many, one too few, or a value that cannot be: the file is named."""
    with pytest.raises(Misuse, match=r"things\.yaml"):
        topics.read("things", text)


def test_a_compacted_topic_says_when_it_is() -> None:
    """Its file says after how many minutes a segment closes; one that is not compacted may not."""
    compacted = FILE.replace("delete", "compact")
    assert topics.read("things", compacted + "segment_minutes: 7\n").segment_minutes == 7
    for wrong in (compacted, FILE + "segment_minutes: 7\n", compacted + "segment_minutes: 0\n"):
        with pytest.raises(Misuse, match=r"things\.yaml is wrong: .*segment_minutes"):
            topics.read("things", wrong)


def test_names_are_kebab_case_and_dead_letters_say_so() -> None:
    """Topics are named by the house's rules."""
    assert all(name == name.lower() and "." not in name and "_" not in name for name in all_topics())
    letters = [topic.name for topic in all_topics().values() if topic.schema == "dead-letter"]
    assert all(name.endswith("-dlq") for name in letters)


def test_every_topic_has_a_name_in_the_code() -> None:
    """What the code calls topics are the files' names, each once."""
    assert sorted(value for name, value in vars(names).items() if name.isupper()) == sorted(all_topics())


def test_a_ledgers_topics_carry_its_name() -> None:
    """Those of the main ledger alone carry none; an unknown topic is an error of ours."""
    assert topic_name("message-events", "main") == "message-events"
    assert topic_name("message-events", "drill") == "drill-message-events"
    with pytest.raises(ValueError, match="no topic"):
        topic_name("events", "main")


def test_topics_are_listed() -> None:
    """Each topic with what it holds, for people and as JSON."""
    said = CliRunner().invoke(command, ["--ledger", "drill"])
    assert said.exit_code == 0
    assert "drill-message-events   4 partitions, kept 400 days" in said.output
    assert "drill-progress   1 partition, kept for ever, the last of each key after 10 min" in said.output
    assert max(len(line) for line in said.output.splitlines()) <= 100
    rows = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    assert [row["topic"] for row in rows] == list(all_topics())


def test_those_that_are_not_at_the_brokers_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the brokers do not answer it is said that nobody knows; a ledger without any is none."""
    monkeypatch.setenv("CUSTODY_KAFKA_BROKERS", PLACE)
    there = counts(Settings())
    del there["alerts"]
    monkeypatch.setattr(topics, "AdminClient", Brokers(there))
    said = CliRunner().invoke(command, []).output
    assert (said.count("MISSING"), said.count("MISSING", 0, said.index("\n\n"))) == (1, 1)
    assert [row["there"] for row in json.loads(CliRunner().invoke(command, ["--json"]).stdout)].count(False) == 1
    refused = CliRunner().invoke(command, ["--ledger", "drill"]).exception
    assert isinstance(refused, Misuse)
    monkeypatch.delenv("CUSTODY_KAFKA_BROKERS")
    unknown = CliRunner().invoke(command, ["--json"])
    assert "is not known: No Kafka broker is set" in unknown.stderr
    assert {row["there"] for row in json.loads(unknown.stdout)} == {None}


def test_a_ledger_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has a topic is one; where only that one is missing which is read, it is the topic."""
    there = counts(Settings()) | counts(Settings(ledger="drill"))
    monkeypatch.setattr(topics, "AdminClient", Brokers(there))
    assert topics.there(Settings(kafka_brokers=PLACE, ledger="drill")) == counts(Settings(ledger="drill")).keys()
    with (
        pytest.raises(Misuse, match=r"^There is no ledger 'dril'\.$") as refused,
        topics.known(Settings(kafka_brokers=PLACE, ledger="dril")),
    ):
        raise NoTopic("Kafka has no topic dril-progress.")
    assert refused.value.hint.startswith("there are: drill, main; custody import --ledger dril makes one")
    with pytest.raises(NoTopic), topics.known(Settings(kafka_brokers=PLACE, ledger="drill")):
        raise NoTopic("Kafka has no topic drill-alerts.")


def test_a_user_who_may_make_none_works_with_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only missing ones are asked for; where one is missing, it is said that the brokers refuse."""
    settings = Settings(kafka_brokers=PLACE)
    there = counts(settings)
    monkeypatch.setattr(topics, "AdminClient", Brokers(there, closed=True))
    assert topics.create(settings) == []
    del there["alerts"]
    monkeypatch.setattr(topics, "AdminClient", Brokers(there, closed=True))
    with pytest.raises(Unavailable, match="did not create"):
        topics.create(settings)


def test_topics_that_another_process_is_making_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """All roles begin at once: one that has no partition yet is no topic of another number."""
    settings = Settings(kafka_brokers=PLACE)
    brokers = Brokers({**counts(settings), "alerts": 0})
    monkeypatch.setattr(topics, "AdminClient", brokers)
    topics.create(settings)
    assert brokers.counts == counts(settings)


@pytest.mark.service
def test_topics_are_made_once(stack: Settings, ledger: str) -> None:
    """The first call makes them all, as their files say; the next has nothing to do."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    made = topics.create(settings)
    assert made == [topic_name(name, ledger) for name in all_topics()]
    assert topics.create(settings) == []
    counts = topics.partition_counts(AdminClient({**settings.kafka_client()}))
    assert [counts[name] for name in made] == [topics.partitions(topic, settings) for topic in all_topics().values()]


@pytest.mark.service
def test_compacted_topics_are_compacted_soon(stack: Settings, ledger: str) -> None:
    """Whoever reads one reads all of it, so the brokers are told to close its segments long before their 7 days."""
    topics.create(msgspec.structs.replace(stack, ledger=ledger))
    topics.create_changelog(stack, f"{ledger}-cases-changelog")
    compacted = {topic.name: topic.segment_minutes for topic in all_topics().values() if topic.cleanup == "compact"}
    for name, minutes in {**compacted, "cases-changelog": 60}.items():
        told = _configured(stack, f"{ledger}-{name}")
        assert told["cleanup.policy"] == "compact"
        assert told["segment.ms"] == told["delete.retention.ms"] == str((minutes or 0) * 60_000)
        assert (told["segment.bytes"], told["min.cleanable.dirty.ratio"]) == ("67108864", "0.5")
    assert _configured(stack, f"{ledger}-message-events").get("segment.ms") is None


def _configured(settings: Settings, name: str) -> dict[str, str]:
    """What a topic was told at its creation, where it differs from what the brokers do by themselves."""
    resource = ConfigResource(ResourceType.TOPIC, name)
    admin = AdminClient({**settings.kafka_client()})
    told = admin.describe_configs([resource])[resource].result(30)
    return {key: entry.value for key, entry in told.items() if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value}


@pytest.mark.service
def test_a_tables_changelog_is_made_once(stack: Settings, ledger: str) -> None:
    """One partition, there when this returns; a worker that starts again finds it."""
    name = f"{ledger}-cases-changelog"
    assert topics.create_changelog(stack, name) == [name]
    assert topics.partition_counts(AdminClient({**stack.kafka_client()}))[name] == 1
    assert topics.create_changelog(stack, name) == []


@pytest.mark.service
def test_another_number_of_partitions_is_refused(stack: Settings, ledger: str) -> None:
    """Events of one message would land elsewhere: the setting is wrong, not the ledger."""
    topics.create(msgspec.structs.replace(stack, ledger=ledger))
    with pytest.raises(Misuse, match="4 partitions, not 5") as refused:
        topics.create(msgspec.structs.replace(stack, ledger=ledger, partitions=5))
    assert "CUSTODY_PARTITIONS=4" in refused.value.hint


@pytest.mark.service
def test_the_terminal_makes_topics(stack: Settings, ledger: str) -> None:
    """`custody topics --create` says how many it made."""
    asked = ["--data", str(stack.data), "--ledger", ledger, "--create"]
    assert f"{len(all_topics())} made, 0 were there" in CliRunner().invoke(command, asked).output
    assert f"0 made, {len(all_topics())} were there" in CliRunner().invoke(command, asked).output
