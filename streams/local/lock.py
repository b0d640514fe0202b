"""Who holds a data directory: one supervisor at a time, and it says where it is.

The lock is the kernel's and falls at death, so nothing that a dead supervisor left behind is believed.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from streams import files
from streams.advice import data_option
from streams.core.errors import Misuse, Unavailable
from streams.settings import Stack, is_held, lock_file, running, stack_file

ATTEMPTS = 10
PAUSE = 0.05
"""A `status` holds a shared lock for an instant; a living supervisor holds its own for good."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock: written into the lock file itself."""

    pid: int
    since: int


@contextlib.contextmanager
def holding(data: Path) -> Iterator[Holder]:
    """Hold a data directory while the block runs; it is made if it is missing, for its owner only.

    Raises:
        Misuse: another supervisor holds it; the message says who.
    """
    files.make_folder(data)
    lock_file(data).touch(mode=0o600)
    with lock_file(data).open("a+b") as handle:
        if not _locked(handle):
            raise _held(data)
        stack_file(data).unlink(missing_ok=True)  # a dead supervisor's, which our lock would bring to life
        holder = Holder(pid=os.getpid(), since=time.time_ns() // 1000)
        handle.truncate(0)
        handle.write(msgspec.json.encode(holder))
        handle.flush()
        try:
            yield holder
        finally:
            stack_file(data).unlink(missing_ok=True)


def holder(data: Path) -> Holder | None:
    """Who last took hold of a data directory; whether they still do is `is_held`'s answer."""
    try:
        return msgspec.json.decode(lock_file(data).read_bytes(), type=Holder)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def publish(data: Path, stack: Stack) -> None:
    """Say where the stack is; readers see the old text or the new one, and only the owner reads it.

    Raises:
        Unavailable: the disk does not take it; what was said before stands.
    """
    try:
        files.store(stack_file(data), msgspec.json.encode(stack, enc_hook=str))
    except OSError as error:
        raise Unavailable(f"{stack_file(data)} cannot be written: {error.strerror}.") from error


def refuse_held(data: Path) -> None:
    """Say who holds a data directory before anything of theirs is touched.

    Raises:
        Misuse: somebody does.
    """
    if is_held(data):
        raise _held(data)


def _held(data: Path) -> Misuse:
    return Misuse(_who(data), hint=f"see: custody status{data_option(data)}; end it: custody down{data_option(data)}")


def _locked(handle: BinaryIO) -> bool:
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        else:
            return True
    return False


def _who(data: Path) -> str:
    stack, held = running(data), holder(data)
    if stack is not None:
        places = f"Kafka at {stack.kafka_brokers}, the warehouse at {stack.clickhouse_url}"
        return f"A stack runs in {data} already: process {stack.pid}, since {_when(stack.since)}, {places}."
    if held is not None:
        return f"A stack is starting in {data}: process {held.pid}, since {_when(held.since)}."
    return f"Somebody holds {lock_file(data)}."


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
