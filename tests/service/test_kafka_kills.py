"""A broker that dies, and a reader that dies, while records flow."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.core.errors import Unavailable
from streams.kafka import topics
from streams.kafka.ranges import read_range
from streams.kafka.reader import BatchReader
from streams.kafka.writer import Writer, write_all
from streams.process import tied_to
from streams.settings import Settings, load, running
from tests.kafka.conftest import drain

pytestmark = pytest.mark.service

TAKE_OVER = 35.0
"""Seconds until another worker reads on: 4 to 8 s by themselves, and a busy machine; 45 where nobody says how soon."""

READER = """
import sys
from pathlib import Path
from streams.kafka.reader import BatchReader
from streams.settings import load
reader = BatchReader(load(data=Path(sys.argv[1]), ledger=sys.argv[2]), "message-events", sys.argv[2], member="first")
while True:
    if reader.read(100, 0.1):
        print("read", flush=True)
"""


def test_a_broker_that_is_killed_is_waited_for(tmp_path: Path, start_stack: Any) -> None:
    """What was handed over before, during and after is in the log: once, and in order."""
    with start_stack(tmp_path):
        settings = load(data=tmp_path)
        writer = Writer(settings)
        for number in range(3000):
            writer.write("message-events", b"k", b"%d" % number, number % 4)
            if number == 1000:
                _kill_broker(tmp_path)
        writer.flush()
        found: dict[int, list[int]] = {}
        for part in read_range(settings, "message-events"):
            found.setdefault(part.partition, []).extend(int(value or b"-1") for value in part.values)
    assert found == {partition: list(range(partition, 3000, 4)) for partition in range(4)}


def _kill_broker(data: Path) -> None:
    there = running(data)
    assert there is not None
    os.kill(there.processes["kafka"], signal.SIGKILL)


def test_another_worker_reads_on_when_one_is_killed(stack: Settings, ledger: str) -> None:
    """The partitions of a reader that was killed are another's within seconds."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    write_all(settings, "message-events", [(b"k", b"v")])
    command = (sys.executable, "-c", READER, str(stack.data), ledger)
    child = subprocess.Popen(  # noqa: S603 - ourselves
        command,
        stdout=subprocess.PIPE,
        preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"read\n"
        child.kill()
    killed = time.monotonic()
    reader = BatchReader(settings, "message-events", ledger, member="second")
    drain(reader, 1)
    assert time.monotonic() - killed < TAKE_OVER
    reader.close()


def test_what_is_not_there_says_so(stack: Settings, ledger: str) -> None:
    """A ledger whose topics nobody made is not silence: reader and range both say what to do."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    with pytest.raises(Unavailable, match="has no topic") as missing:
        next(read_range(settings, "message-events"))
    assert "custody topics --create" in missing.value.hint
    reader = BatchReader(settings, "message-events", ledger)
    with pytest.raises(Unavailable, match="has not the topic"):
        drain(reader, 1)
    reader.close()
