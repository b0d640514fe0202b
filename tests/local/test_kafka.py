"""The embedded broker before it starts."""

import os
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from streams.cli import up
from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.kafka.topics import all_topics
from streams.local import kafka, ports
from streams.local.kafka import cluster_id
from streams.local.part import SLOW


def test_a_broker_ends_without_memory_and_has_time_to_read_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lost a thread for want of memory would live on and serve half; one that was killed answers late."""
    monkeypatch.setattr(kafka, "kafka_jars", lambda *_: ())
    monkeypatch.setattr(kafka, "_format", lambda *_: None)
    made = kafka.broker(tmp_path, ports.choose(tmp_path), tmp_path)
    assert "-XX:+ExitOnOutOfMemoryError" in made.command
    assert made.start_patience == SLOW


def _as_java_reads(file: Path) -> dict[str, str]:
    """What java.util.Properties reads: bytes are Latin-1, and other characters are written by their UTF-16 units."""
    lines = [line.partition("=") for line in file.read_bytes().decode("latin-1").splitlines()]
    return {name.strip(): re.sub(r"\\u([0-9a-f]{4})", _unit, value.strip()) for name, _, value in lines}


def _unit(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def test_java_reads_the_folder_that_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters of any script, a space and a backslash: a log elsewhere would be lost to whoever looks in this folder."""
    monkeypatch.setattr(kafka, "kafka_jars", lambda *_: ())
    monkeypatch.setattr(kafka, "_format", lambda *_: None)
    data = tmp_path / "Prüfung \\ Ωμέγα 𝄞"
    made = kafka.broker(data, ports.choose(tmp_path), tmp_path, properties={"pem": "a\nb"})
    home = (data / "kafka").resolve()
    settings = _as_java_reads(home / "server.properties")
    logging = _as_java_reads(home / "log4j2.properties")
    assert _whole(settings["log.dirs"]) == str(home / "storage")
    assert settings["pem"] == "a\nb"
    assert _whole(logging["appender.file.fileName"]) == str(data / "log" / "kafka.log")
    assert _whole(logging["appender.file.filePattern"]) == str(data / "log" / "kafka.log.%i")
    assert f"-Dlog4j2.configurationFile={(home / 'log4j2.properties').as_uri()}" in made.command
    assert made.environment["LC_ALL"] == "C.UTF-8"  # else Java cannot name the folder


def _whole(units: str) -> str:
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


@pytest.mark.parametrize(
    ("name", "said"),
    [("b,c", "several folders"), (os.fsdecode(b"\xfc"), "not UTF-8")],
    ids=["comma", "no UTF-8"],
)
def test_a_folder_that_the_broker_would_take_for_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """Before anything is made there: the log would be kept elsewhere, or the broker would not start."""
    monkeypatch.setattr(up, "detach", Mock(side_effect=AssertionError("nothing is to be started")))
    told = CliRunner().invoke(custody, ["up", "--data", str(tmp_path / name), "--detach"])
    assert isinstance(told.exception, Misuse)
    assert said in str(told.exception)
    assert list(tmp_path.iterdir()) == []


def test_offsets_are_kept_as_long_as_the_log() -> None:
    """A group that has no member for long goes on from where it was, in production as in the embedded stack."""
    log = all_topics()["message-events"].retention_days
    production = (Path(__file__).parents[2] / "infra/kafka/broker.properties").read_text(encoding="utf-8")
    assert log is not None
    assert kafka.PROPERTIES["offsets.retention.minutes"] == str(log * 24 * 60)
    assert f"\noffsets.retention.minutes={log * 24 * 60}\n" in production


@pytest.mark.usefixtures("generous")
def test_in_a_folder_that_was_there_the_log_is_its_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data directory may have been made by hand, for all to read."""
    tmp_path.chmod(0o755)
    monkeypatch.setattr(kafka, "kafka_jars", lambda *_: ())
    monkeypatch.setattr(kafka, "_format", lambda *_: None)
    kafka.broker(tmp_path, ports.choose(tmp_path), tmp_path)
    assert [(tmp_path / name).stat().st_mode & 0o077 for name in ("kafka", "log")] == [0, 0]


def test_the_id_of_a_cluster_is_no_option() -> None:
    """One id in 64 would begin with a dash, and the broker's own tool would take it for an option."""
    ids = [cluster_id() for _ in range(2000)]
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} == {22}
    assert not any(one.startswith("-") for one in ids)
