"""Members of the tracker's group, each in a process of its own: `python -m tests.bench.members SETTINGS MEMBER MODE`.

A member says "ready" once everything is imported, and begins at a line on its standard input:

- work: a tracker as a worker has it;
- follow: the same, which also keeps its state as soon as it is at the end of the log;
- wait: the same, but it joins first, says how many partitions it has whenever that changes, and reads at another line;
- first: it says "took" at the first event it takes, and does no more.

It ends when its standard input does.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from streams.kafka.broker import KafkaLog
from streams.kafka.names import EVENTS
from streams.kafka.ranges import end_offsets
from streams.kafka.topics import topic_name
from streams.process import MODEST, prepare
from streams.settings import Settings
from streams.track.tracker import Tracker
from tests.bench.events import TERMS

PATIENCE = 120


class Member:
    """A member, from outside."""

    def __init__(self, settings: Settings, name: str, mode: str) -> None:
        """Start its process."""
        told = msgspec.json.encode(settings, enc_hook=str).decode()
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            (sys.executable, "-m", "tests.bench.members", told, name, mode),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **MODEST},
        )  # fmt: skip

    def hear(self) -> str:
        """What it says next."""
        assert self.process.stdout
        line = self.process.stdout.readline().decode().strip()
        assert line, "a tracker died"
        return line

    def wait_for(self, word: str) -> None:
        """Wait until it says something."""
        while self.hear() != word:
            pass

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Let it leave in order."""
        with suppress(BrokenPipeError):
            self.process.communicate(timeout=PATIENCE)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextmanager
def members(settings: Settings, mode: str, *names: str) -> Iterator[list[Member]]:
    """Some members that are ready; they are gone when the block ends."""
    found = [Member(settings, name, mode) for name in names]
    try:
        for one in found:
            one.wait_for("ready")
        yield found
        for one in found:
            one.end()
    finally:
        for one in found:
            one.kill()


class Group:
    """What the tracker's group has stored."""

    def __init__(self, settings: Settings) -> None:
        """Look at a ledger's group."""
        self._settings = settings
        self._name = f"custody-tracker-{settings.ledger}"
        self._consumer = Consumer(settings.kafka_client() | {"group.id": self._name})

    @retry(
        retry=retry_if_exception_type(KafkaException),
        stop=stop_after_delay(PATIENCE),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    def committed(self) -> dict[int, int]:
        """The next offset of each partition; a broker that has just started coordinates nothing yet."""
        topic = topic_name(EVENTS, self._settings.ledger)
        places = [TopicPartition(topic, number) for number in range(self._settings.partitions)]
        return {place.partition: place.offset for place in self._consumer.committed(places, timeout=10)}

    def wait_until(self, ends: dict[int, int]) -> None:
        """Wait until all partitions are kept up to some offsets."""
        deadline = time.monotonic() + PATIENCE
        while any(offset < ends[number] for number, offset in self.committed().items()):
            assert time.monotonic() < deadline, "the trackers did not reach the end of the log"
            time.sleep(0.01)

    def forget(self) -> None:
        """Let the group begin from nothing; its members are gone, or will be in a moment."""
        admin, deadline = AdminClient(dict(self._settings.kafka_client())), time.monotonic() + PATIENCE
        while True:
            try:
                admin.delete_consumer_groups([self._name])[self._name].result()
            except KafkaException as error:
                if error.args[0].name() == "GROUP_ID_NOT_FOUND":
                    return
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


# Inside


def _main(told: str, name: str, mode: str) -> None:
    prepare()
    settings = msgspec.json.decode(told, type=Settings, dec_hook=lambda kind, text: kind(text))
    _say("ready")
    sys.stdin.readline()
    tracker = Tracker(KafkaLog(settings), TERMS, member=name)
    if mode == "first":
        while not tracker.step(0.05):
            pass
        _say("took")
    if mode == "wait":
        _wait(tracker, settings.partitions)
    ended = _ended()
    if mode == "work":
        tracker.run(ended)
    else:
        _follow(tracker, end_offsets(settings, EVENTS), ended)
        tracker.close()
    os._exit(0)


def _ended() -> Callable[[], bool]:
    return _after(sys.stdin.read)


def _after(said: Callable[[], str]) -> Callable[[], bool]:
    """Has something been said on standard input."""
    heard: list[str] = []
    threading.Thread(target=lambda: heard.append(said()), daemon=True).start()
    return lambda: bool(heard)


def _follow(tracker: Tracker, ends: dict[int, int], stopped: Callable[[], bool]) -> None:
    kept: dict[int, int] = {}
    while not stopped():
        tracker.step(0.02)
        now = {number: part.offset for number, part in tracker.parts.items()}
        if now and now != kept and all(offset >= ends[number] for number, offset in now.items()):
            tracker.keep()
            kept = now


def _wait(tracker: Tracker, partitions: int) -> None:
    """Join and hold still until told to begin."""
    consumer, said = tracker._reader._consumer, -1  # type: ignore[attr-defined]
    began = _after(sys.stdin.readline)
    while not began():
        consumer.poll(0.01)
        share = consumer.assignment()
        if share:
            consumer.pause(share)
        if len(share) != said:
            said = len(share)
            _say(f"has {said} of {partitions}")
    share = [TopicPartition(place.topic, place.partition, 0) for place in consumer.assignment()]
    consumer.resume(share)
    consumer.unassign()
    consumer.assign(share)


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:4])
