"""What the doctor finds where services are away, frozen or stand still."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.cli import _checks
from streams.cli._checks import examine, judged, kept_up
from streams.core.errors import Misuse
from streams.kafka import broker, lag, progress
from streams.kafka.deadletters import DeadLetters
from streams.kafka.lag import Lag
from streams.settings import Settings
from streams.warehouse.lateness import Lateness
from tests.kafka.brokers import PLACE, Brokers, counts
from tests.kafka.memory import MemoryLog, put

NOW = 1_795_424_400
ASKED = [
    "python", "disk", "permissions", "broker", "topics", "lag", "clock", "imports", "letters", "warehouse",
    "derivation",
]  # fmt: skip


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Brokers that are not there, and a warehouse that takes connections and says nothing."""
    monkeypatch.setattr(_checks, "TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield Settings(data=tmp_path, kafka_brokers="127.0.0.1:9", clickhouse_url=url)


def test_who_is_away_or_frozen_is_a_finding_each(away: Settings) -> None:
    """Everything is looked at, in the time of a health check."""
    began = time.monotonic()
    found = {finding.name: finding for finding in examine(away)}
    assert time.monotonic() - began < 15
    assert list(found) == ASKED
    assert not any(found[name].ok for name in ASKED[3:])
    assert found["lag"].said == "the brokers were not asked again"
    assert found["warehouse"].said == "nothing within 1 s"


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError("reset")], ids=["late", "reset"])
def test_brokers_that_go_away_meanwhile_are_a_finding(
    away: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """They answered the first question, and not that for the groups: they are asked no more."""

    def lags(*_: object) -> None:
        raise error

    monkeypatch.setattr(lag, "lags", lags)
    monkeypatch.setattr(_checks, "_broker", lambda _, answers: answers.append(1) or _checks._python())
    monkeypatch.setattr(_checks, "_topics", lambda _: _checks._python())
    found = {finding.name: finding for finding in examine(away)}
    assert found["lag"].said == ("does not answer within 1 s" if isinstance(error, TimeoutError) else "reset")
    assert found["clock"].said == found["imports"].said == "the brokers were not asked again"
    assert "warehouse" in found


def group(records: int, committed: int, *, is_read: bool = True) -> Lag:
    """How far one group is."""
    return Lag(group="custody-tracker-main", records=records, committed=committed, is_read=is_read)


@pytest.mark.parametrize(
    ("before", "after", "advice"),
    [
        (group(5, 1), group(5, 1), "nothing was committed within 0 s for custody-tracker-main (5)"),
        (group(5, 1), group(9, 1), "nothing was committed within 0 s for custody-tracker-main (9)"),
        (group(5, 1), group(9, 2), ""),
        (group(0, 1), group(9, 1), ""),
        (group(5, 1), group(5, 1, is_read=False), ""),
        (group(5, 1, is_read=False), group(5, 1), "nobody reads for custody-tracker-main (5)"),
    ],
    ids=["still", "growing", "working", "done", "leaving", "unread"],
)
def test_a_group_that_commits_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, before: Lag, after: Lag, advice: str
) -> None:
    """Only where records waited for it both times."""
    answers = [before, after]
    monkeypatch.setattr(_checks, "GROUPS_PAUSE", 0.0)
    monkeypatch.setattr(lag, "lags", lambda *_: [answers.pop(0)])
    found = _checks._lag(Settings())
    assert found.ok == (not advice)
    assert found.advice.startswith(advice)


def tick(age: int, **named: list[str]) -> dict[str, Any]:
    """The last tick, so many seconds old."""
    return {"through": (NOW - age) * 1_000_000, "behind": [], "silent": []} | named


@pytest.mark.parametrize(
    ("last", "is_ok", "said", "advice"),
    [
        (tick(3), True, "3 s behind this machine's time", ""),
        (tick(180), True, "180 s behind", ""),
        (tick(-5), True, "5 s ahead of", ""),
        (tick(181, behind=["mx1"], silent=["mx2"]), False, "behind: mx1; silent: mx2", "the collectors of mx1"),
        (tick(-6), False, "6 s ahead of this machine's time", "NTP"),
        ({}, False, "no tick was fed", "the clock and the feed worker"),
    ],
    ids=["fresh", "old-enough", "ahead-a-little", "held", "ahead", "none"],
)
def test_a_clock_that_stands_or_runs_ahead_is_told(last: dict[str, Any], is_ok: bool, said: str, advice: str) -> None:  # noqa: FBT001
    """With who holds it, and what to do."""
    found = judged(last, NOW)
    assert found.ok == is_ok
    assert said in found.said
    assert advice in found.advice


@pytest.mark.parametrize(
    ("records", "has_terms", "seconds", "is_ok", "said"),
    [
        (0, False, 86_400, True, "last 86400 s ago; to be derived: nothing"),
        (7, False, 600, True, "to be derived: 7 records"),
        (7, False, 601, False, "to be derived: 7 records"),
        (0, True, 601, False, "to be derived: all, by the terms declared since"),
        (7, True, None, False, "last never"),
        (0, False, None, True, "last never"),
    ],
    ids=["done", "under-way", "fails", "fails-by-new-terms", "failed-from-the-first", "new"],
)
def test_a_derivation_that_does_not_keep_up_is_told(
    records: int,
    has_terms: bool,  # noqa: FBT001
    seconds: float | None,
    is_ok: bool,  # noqa: FBT001
    said: str,
) -> None:
    """Where there is something to derive, and nothing was for long."""
    found = kept_up(Lateness(records=records, has_terms=has_terms, seconds=seconds))
    assert found.ok == is_ok
    assert said in found.said
    assert "the feed worker's log" in found.advice


def test_a_clock_is_looked_at_only_where_sources_are_followed(away: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import needs none; where one is needed and the warehouse is silent, that is the finding."""
    settings = msgspec.structs.replace(away, kafka_brokers=None)
    log = MemoryLog(settings)
    monkeypatch.setattr(broker, "KafkaLog", lambda _: log)
    assert _checks._clock(settings).said == "no live source is declared"
    key, value = progress.declared("mx1", live=True, terms="", text="")
    writer = log.writer()
    writer.write("progress", key, value)
    writer.flush()
    found = _checks._clock(settings)
    assert (found.ok, found.said) == (
        False,
        "the last tick cannot be read: The warehouse does not answer: nothing within 1 s",
    )


def test_an_import_that_the_clock_waits_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been killed, and then nothing is judged; with the command that ends it."""
    log = MemoryLog(Settings())
    monkeypatch.setattr(broker, "KafkaLog", lambda _: log)
    assert _checks._imports(Settings()).ok
    put(log, "progress", [progress.declared(name, live=False, terms="", text="") for name in ("terms", "b", "a")])
    put(log, "progress", [progress.declared("mx1", live=True, terms="", text=""), progress.progressed("b", 5)])
    found = _checks._imports(Settings())
    assert (found.ok, found.said) == (False, "the clock waits for the end of a")
    assert found.advice == "if nobody imports that any more: custody withdraw a"
    put(log, "progress", [progress.progressed("a", 5)])
    assert _checks._imports(Settings()).ok


def test_the_lag_names_only_groups_that_are_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger has nine, which fit no line; where none is behind, that is all there is to say."""
    found = [group(0, 5), group(7, 5), group(0, 9)]
    monkeypatch.setattr(_checks, "GROUPS_PAUSE", 0.0)
    monkeypatch.setattr(lag, "lags", lambda *_: found)
    assert _checks._lag(Settings()).said == "custody-tracker-main 7"
    del found[1]
    assert _checks._lag(Settings()).said == "all 0"
    found.clear()
    assert _checks._lag(Settings()).said == "no consumer group yet"


def test_what_could_not_be_understood_since_yesterday_is_a_finding() -> None:
    """Their topic keeps them for months; the last one is named."""
    letters = [{"at": (NOW - 90_000) * 1_000_000, "reason": "old"}]
    assert _checks.unread(Settings(), letters, NOW).ok
    letters += [{"at": (NOW - age) * 1_000_000, "reason": f"of {age} s ago"} for age in (80_000, 60)]
    found = _checks.unread(Settings(ledger="drill"), letters, NOW)
    assert not found.ok
    assert found.said == "2 since yesterday that could not be understood, the last at 2026-11-23 08:59:00Z: of 60 s ago"
    assert found.advice == "custody topics --dead-letters --ledger drill"


def test_a_dead_letter_is_found_in_the_log_as_it_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is another type there than in what is judged."""
    log = MemoryLog(Settings())
    monkeypatch.setattr(broker, "KafkaLog", lambda _: log)
    assert _checks._letters(Settings()).ok
    writer = log.writer()
    DeadLetters(writer).put("alerts", 0, 4, b"x", "cut")
    writer.flush()
    found = _checks._letters(Settings())
    assert not found.ok
    assert found.said.startswith("1 since yesterday that could not be understood, the last at 20")


def test_a_ledger_that_is_not_there_is_said_once_and_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not that nine topics are missing; those of the ledgers that are there have another name."""
    settings = Settings(data=tmp_path, kafka_brokers=PLACE, ledger="nope", clickhouse_url="http://127.0.0.1:9")
    brokers = Brokers(counts(Settings()))
    monkeypatch.setattr(_checks, "_admin", lambda _: brokers)
    with pytest.raises(Misuse, match="There is no ledger 'nope'") as refused:
        _checks._topics(settings)
    assert refused.value.hint.startswith("there are: main; ")
    del brokers.counts["alerts"]
    assert _checks._topics(Settings()).said == "missing: alerts"
