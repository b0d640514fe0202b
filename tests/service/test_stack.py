"""The embedded stack: it says where it is, what dies comes back with its data, and it ends whole."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import clickhouse_connect
import psutil
import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.settings import Settings, Stack, load, running, stack_file
from tests.waiting import until

pytestmark = pytest.mark.service

PATIENCE = 120


def _stack(data: Path) -> Stack:
    found = running(data)
    assert found is not None
    return found


def _pids(data: Path) -> dict[str, int]:
    """The processes of a stack, its supervisor included."""
    found = _stack(data)
    return {"supervisor": found.pid, **found.processes}


def _gone(pids: dict[str, int]) -> bool:
    return not any(map(_lives, pids.values()))


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # perhaps since we began to look
        return False


def _custody(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A `custody` command in a process of its own, as a person runs it."""
    command = (sys.executable, "-m", "streams.cli", *arguments)
    environment = {**os.environ, "CUSTODY_STACK_ROLES": "none"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)  # noqa: S603


def _produce(settings: Settings, topic: str, value: bytes) -> None:
    producer = Producer(settings.kafka_client() | {"acks": "all"})
    producer.produce(topic, value, partition=0)
    assert producer.flush(PATIENCE) == 0


def _records(settings: Settings, topic: str) -> list[bytes | None]:
    """All values of a topic of one partition."""
    consumer = Consumer(
        settings.kafka_client() | {"group.id": "test", "auto.offset.reset": "earliest", "enable.partition.eof": True}
    )
    consumer.subscribe([topic])
    values: list[bytes | None] = []
    while (message := consumer.poll(PATIENCE)) is not None and message.error() is None:
        values.append(message.value())
    consumer.close()
    return values


def _count(settings: Settings, table: str, database: str = "default") -> int:
    client = clickhouse_connect.get_client(**settings.clickhouse_client(), database=database)
    try:
        return int(str(client.command("SELECT count() FROM {table:Identifier}", parameters={"table": table})))
    finally:
        client.close()


def test_stack_answers(stack: Settings, ledger: str) -> None:
    """Both services of a started stack answer to the settings that are read from its data directory."""
    brokers = AdminClient(stack.kafka_client()).list_topics(timeout=10).brokers
    client = clickhouse_connect.get_client(**stack.clickhouse_client())
    assert len(brokers) == 1
    assert client.command(f"SELECT '{ledger}'") == ledger
    client.close()


def test_only_this_machine_reaches_the_stack_and_only_this_user_its_files(stack: Settings) -> None:
    """Every listener is on the loopback address, and nobody else can read the data directory or the secrets."""
    for pid in _pids(stack.data).values():
        listening = [c for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} <= {"127.0.0.1"}
    secret = stack.clickhouse_password_file
    assert secret is not None
    assert [path.stat().st_mode & 0o077 for path in (secret, secret.parent, stack_file(stack.data))] == [0, 0, 0]


def test_in_a_folder_that_was_there_all_is_this_users(tmp_path: Path) -> None:
    """The data directory was made by hand for all to read; whatever the stack and its parts write there is closed."""
    tmp_path.chmod(0o755)
    before = os.umask(0)
    try:
        started = _custody("up", "--data", str(tmp_path), "--detach")
    finally:
        os.umask(before)
    assert started.returncode == 0, started.stderr
    _custody("down", "--data", str(tmp_path))
    below = {path.relative_to(tmp_path): path.lstat().st_mode for path in tmp_path.rglob("*") if not path.is_symlink()}
    assert {Path("lock"), Path("clickhouse"), Path("log/stack.log"), Path("kafka/storage")} <= set(below)
    assert {path for path, mode in below.items() if mode & 0o077} == set()


def test_a_second_up_is_told_who_holds_the_directory(stack: Settings) -> None:
    """A second `up` on the same directory ends at once and says which process holds it, since when, and where."""
    second = _custody("up", "--data", str(stack.data), "--detach")
    assert second.returncode == Misuse.exit_code
    for told in (f"process {_stack(stack.data).pid}", "since 20", str(stack.kafka_brokers), str(stack.clickhouse_url)):
        assert told in second.stderr


def test_status_tells_processes_and_memory(stack: Settings) -> None:
    """`status` lists every part with its process; the JSON has the same."""
    told = CliRunner().invoke(custody, ["status", "--data", str(stack.data)])
    document = json.loads(CliRunner().invoke(custody, ["status", "--data", str(stack.data), "--json"]).output)
    assert {part["name"]: part["pid"] for part in document["processes"]} == _pids(stack.data)
    assert all(part["name"] in told.output and str(part["pid"]) in told.output for part in document["processes"])


def test_the_doctor_finds_a_running_stack_well(stack: Settings) -> None:
    """On a running stack every line of the doctor's is ok, and none has advice."""
    told = CliRunner().invoke(custody, ["doctor", "--data", str(stack.data), "--json"])
    findings = {finding["name"]: finding for finding in json.loads(told.output)}
    assert {"disk", "java", "jars", "stack", "broker", "topics", "lag", "warehouse"} <= set(findings)
    wrong = {name for name, finding in findings.items() if not finding["ok"] or finding["advice"]}
    assert wrong <= {"disk", "memory"}  # the machine's own troubles


def test_the_doctor_says_what_to_do(tmp_path: Path) -> None:
    """Where nothing runs, the doctor says how to start it, and a directory open to others is told."""
    tmp_path.chmod(0o755)
    told = CliRunner().invoke(custody, ["doctor", "--data", str(tmp_path)])
    assert told.exit_code == 1
    assert "start it with: custody up --detach" in told.output
    assert f"chmod 700 {tmp_path}" in told.output


def test_the_doctor_sees_lag(stack: Settings, ledger: str) -> None:
    """A group that has committed one of three records and has no reader is told, with the records that wait."""
    admin = AdminClient(stack.kafka_client())
    admin.create_topics([NewTopic(ledger, 1, 1)])[ledger].result(PATIENCE)
    for value in (b"1", b"2", b"3"):
        _produce(stack, ledger, value)
    consumer = Consumer(stack.kafka_client() | {"group.id": f"custody-x-{ledger}", "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(ledger, 0, 1)], asynchronous=False)
    consumer.close()
    told = CliRunner().invoke(custody, ["doctor", "--data", str(stack.data), "--ledger", ledger])
    assert f"nobody reads for custody-x-{ledger} (2)" in told.output


def test_what_is_killed_comes_back_with_its_data(tmp_path: Path, start_stack: Any) -> None:
    """Kafka and the warehouse are killed; both come back at the same ports, and nothing acknowledged is lost."""
    data = tmp_path / "data"
    with start_stack(data):
        settings = load(data=data)
        admin = AdminClient(settings.kafka_client())
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(PATIENCE)
        client = clickhouse_connect.get_client(**settings.clickhouse_client())
        client.command("CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")
        client.insert("kept", [[1], [2]], column_names=["a"])
        client.close()
        _produce(settings, "kept", b"before")
        before = _pids(data)
        for name in ("kafka", "clickhouse"):
            os.kill(before[name], signal.SIGKILL)
        until(lambda: all(_pids(data)[name] not in {0, before[name]} for name in ("kafka", "clickhouse")), "new pids")
        _produce(settings, "kept", b"after")
        assert _records(settings, "kept") == [b"before", b"after"]
        until(lambda: _answers(settings), "the warehouse answers")
        assert _count(settings, "kept") == 2
        assert load(data=data) == settings


def _answers(settings: Settings) -> bool:
    try:
        return _count(settings, "one", "system") == 1
    except clickhouse_connect.driver.exceptions.OperationalError:
        return False


def test_a_killed_worker_is_started_again(tmp_path: Path, start_stack: Any) -> None:
    """A worker of the stack is killed and started again; it ends with the stack."""
    data = tmp_path / "data"
    with start_stack(data, CUSTODY_STACK_ROLES="clock"):
        before = _pids(data)
        os.kill(before["clock"], signal.SIGKILL)
        until(lambda: _pids(data)["clock"] not in {0, before["clock"]}, "a new worker")
        after = _pids(data)
    assert _gone(after)


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    """A role that no worker has is refused before anything starts."""
    file = tmp_path / "custody.toml"
    file.write_text('stack_roles = "clok"\n', encoding="utf-8")
    environment = {"CUSTODY_STACK_ROLES": ""}
    told = CliRunner(env=environment).invoke(custody, ["up", "--data", str(tmp_path / "d"), "--settings", str(file)])
    assert isinstance(told.exception, Misuse)
    assert "clock" in told.exception.hint


def test_a_killed_supervisor_leaves_no_orphans(tmp_path: Path, start_stack: Any) -> None:
    """The supervisor is killed: its parts die with it, its stack.json counts as nothing, and `up` works again.

    So it is in a folder whose name has a space and letters beyond ASCII, for a user without a locale.
    """
    data = tmp_path / "Prüfung 1"
    with start_stack(data, LC_ALL="C") as first:
        pids = _pids(data)
        first.process.kill()
        until(lambda: _gone(pids), "all parts have ended")
    assert stack_file(data).exists()
    assert running(data) is None
    assert CliRunner().invoke(custody, ["status", "--data", str(data)]).exit_code == 3
    with start_stack(data, LC_ALL="C"):
        assert _count(load(data=data), "one", "system") == 1
    assert (data / "log" / "kafka.log").stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == [data.name]


def test_up_in_the_background_and_down(tmp_path: Path) -> None:
    """`up --detach` returns when the stack answers; `down` ends all of it, and says so when there is nothing to end."""
    data = str(tmp_path / "data")
    assert _custody("up", "--data", data, "--detach").returncode == 0
    pids = _pids(Path(data))
    down = _custody("down", "--data", data)
    assert (down.returncode, down.stdout) == (0, f"Stopped the stack in {data}.\n")
    assert _gone(pids)
    assert not stack_file(Path(data)).exists()
    assert _custody("down", "--data", data).stdout.startswith(f"No stack runs in {data}.\n")


def test_a_stack_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A service that does not start ends the stack with a reason and the log to read."""
    data = tmp_path / "data"
    (data / "kafka" / "storage").mkdir(parents=True)
    (data / "kafka" / "storage" / "meta.properties").write_text("version=9\n", encoding="utf-8")
    failed = _custody("up", "--data", str(data), "--detach")
    assert failed.returncode == 3
    assert "kafka ended with 1 instead of starting" in failed.stderr
    assert running(data) is None
