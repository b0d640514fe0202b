"""The embedded broker before it starts."""

from pathlib import Path

import pytest

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
