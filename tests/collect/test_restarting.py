"""A service that is away is waited for, each time longer; whoever is told to stop meanwhile stops."""

import lzma
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from streams.collect import restarting, run, sources
from streams.collect.restarting import LONGEST, keep_following
from streams.collect.run import Collector
from streams.core.errors import Misuse, Unavailable
from tests.collect.broker import Log, Writer
from tests.collect.postfix_logs import DATA

DAY = sources.read(DATA / "day" / "sources.toml")
RELAY = replace(next(source for source in DAY.sources if source.name == "relay-log"), live=True)
LINES = lzma.decompress(Path(RELAY.paths[0]).read_bytes()).splitlines(keepends=True)[:100]


class Patience(threading.Event):
    """Whoever waits so many times is then told to stop, and never waits."""

    def __init__(self, times: int = 0) -> None:
        """Count from here."""
        super().__init__()
        self._times = times
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Count, in place of waiting."""
        self.waits.append(timeout or 0)
        if len(self.waits) > self._times:
            self.set()
        return self.is_set()


def _follow(path: Path, log: Log, stop: threading.Event, *failing: int) -> None:
    """Follow a log with writers of which each fails at some flush (-1: at none)."""
    source, fails = replace(RELAY, paths=(str(path),)), iter(failing)

    def make() -> Collector:
        writer = Writer(log, failing=next(fails))
        return Collector(source=source, declaration=DAY, writer=writer, store=path.with_suffix(".store"))

    keep_following(make, stop)


def test_a_service_that_is_away_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed acknowledgement a new writer begins at the checkpoint, each time after a longer wait."""
    monkeypatch.setattr(run, "LIVE_EVERY", 0.0)
    whole, log, stop = Log(), Log(), Patience(3)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mail.log").write_bytes(b"".join(LINES))
    _follow(tmp_path / "one" / "mail.log", whole, Patience(), -1)
    assert not caplog.messages
    _follow(tmp_path / "other" / "mail.log", log, stop, 0, 0, 2, -1)
    assert stop.waits[:3] == [1, 2, 4]
    said = "A record was not acknowledged."
    assert [one.strip() for one in caplog.messages] == [f"waiting {wait} s: {said}" for wait in (1, 2, 4)]
    assert log.events.keys() == whole.events.keys() != set()


def test_waits_are_bounded() -> None:
    """However long a service is away, it is tried again within a minute."""
    waits = restarting.waits()
    assert max(next(waits) for _ in range(20)) == LONGEST


def test_told_to_stop_while_waiting() -> None:
    """Whoever is told to stop while a service is away stops; what is wrong with the source is not waited for."""
    tries: list[int] = []

    def fails(error: Exception) -> Callable[[], Collector]:
        def make() -> Collector:
            tries.append(1)
            raise error

        return make

    keep_following(fails(Unavailable("away")), Patience())
    assert len(tries) == 1
    with pytest.raises(Misuse):
        keep_following(fails(Misuse("wrong")), Patience())
