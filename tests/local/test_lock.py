"""A data directory has one holder, who says who they are."""

from pathlib import Path

import pytest

from streams.core.errors import Misuse
from streams.local import lock
from streams.settings import Stack, is_held, lock_file, running, stack_file


def _stack(pid: int) -> Stack:
    return Stack(
        pid=pid,
        since=1_795_510_800_000_000,
        version="0",
        kafka_brokers="127.0.0.1:1",
        clickhouse_url="http://127.0.0.1:2",
        clickhouse_user="custody",
        clickhouse_password_file=Path("secret"),
        schemas_url="http://127.0.0.1:2",
    )


def test_a_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """A new data directory is closed to others, held while the block runs, and free after it."""
    data = tmp_path / "data"
    with lock.holding(data) as held:
        assert data.stat().st_mode & 0o077 == 0
        assert is_held(data)
        assert lock.holder(data) == held
    assert not is_held(data)


@pytest.mark.usefixtures("generous")
def test_in_a_folder_that_was_there_the_lock_is_its_owners(tmp_path: Path) -> None:
    """Who may open it may hold it, and nothing could start."""
    with lock.holding(tmp_path):
        assert lock_file(tmp_path).stat().st_mode & 0o077 == 0


def test_a_second_holder_is_told_who_is_starting(tmp_path: Path) -> None:
    """While a stack starts, a second holder is refused and told by which process."""
    with lock.holding(tmp_path) as held, pytest.raises(Misuse, match=f"is starting .* process {held.pid}, since"):
        lock.refuse_held(tmp_path)


def test_a_second_holder_is_told_where_the_first_is(tmp_path: Path) -> None:
    """While a stack runs, a second holder is told its process, since when, and where it is."""
    with lock.holding(tmp_path):
        lock.publish(tmp_path, _stack(7))
        told = "process 7, since 2026-11-24 09:00:00 UTC, Kafka at 127.0.0.1:1, the warehouse at http://127.0.0.1:2"
        with pytest.raises(Misuse, match=told):
            lock.holding(tmp_path).__enter__()


def test_what_is_published_is_read_and_removed(tmp_path: Path) -> None:
    """What a holder publishes is what others read, only its owner may, and it goes with the holder."""
    with lock.holding(tmp_path):
        lock.publish(tmp_path, _stack(7))
        assert running(tmp_path) == _stack(7)
        assert stack_file(tmp_path).stat().st_mode & 0o077 == 0
    assert not stack_file(tmp_path).exists()


def test_a_dead_supervisors_word_is_not_brought_to_life(tmp_path: Path) -> None:
    """A stack.json that a killed supervisor left is gone as soon as somebody else holds the directory."""
    lock.publish(tmp_path, _stack(7))
    with lock.holding(tmp_path):
        assert running(tmp_path) is None
