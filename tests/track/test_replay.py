"""A replay up to any moment says what the live run says of it, on ticks, between them and on an import."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import profiles
from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.core.events import MessageEvent
from streams.core.terms import SECOND, Terms
from streams.kafka import broker, progress
from streams.settings import Settings
from streams.track.replay import Alerts, Replay, compare, live
from streams.track.tracker import Tracker
from streams.wire import envelope
from streams.wire import records as wire
from tests.core.journeys import TERMS, journey, reported, sent, submitted
from tests.core.test_laws import a_log
from tests.kafka.memory import MemoryLog
from tests.track.logs import cuts, tick

GRACE: dict[str, Any] = {
    "grace": 7,
    "findings": ["overdue", "stuck", "unread", "uncorroborated-report", "source-silent"],
}


def lived(events: list[MessageEvent], batches: list[tuple[int, int]] | None = None, **more: Any) -> MemoryLog:
    """A ledger of one partition whose tracker was there while its events came, batch by batch."""
    log = MemoryLog(Settings(partitions=1))
    tracker = Tracker(log, Terms.parse(TERMS | more))
    writer = log.writer()
    for start, end in batches or [(at, at + 1) for at in range(len(events))]:
        for event in events[start:end]:
            writer.write("message-events", event.message_key.encode(), envelope.encode(event))
        writer.flush()
        while tracker.step(0):
            pass
    tracker.close()
    return log


def replayed(log: MemoryLog, until: float | None = None, **more: Any) -> Replay:
    """A replay of it up to a second."""
    replay = Replay(terms=Terms.parse(TERMS | more), until=None if until is None else round(until * SECOND))
    replay.run(log)
    return replay


def said(alerts: Alerts) -> list[tuple[str, str, float]]:
    """Rule, state and second of alerts, in their order."""
    found = [(one["rule"], one["state"], one["at"] / SECOND) for one in alerts.values()]
    return sorted(found, key=lambda one: (one[2], one[1] == "cleared", one[0]))


def differing(log: MemoryLog, until: float | None, **more: Any) -> Any:
    """What differs between the live run and a replay up to a second; None where nothing does."""
    replay = replayed(log, until, **more)
    found = compare(replay.known(live(log)), replay.alerts)
    return None if found.identical else (until, found)


@st.composite
def histories(draw: st.DrawFn) -> list[MessageEvent]:
    """Events and ticks; some ticks name a silent source."""
    silent = st.sampled_from(((), (), ("store-log",)))
    log = [tick(one, *draw(silent)) if isinstance(one, int) else one for one in draw(a_log())]
    return [*log, *([tick(1000 * SECOND)] if draw(st.booleans()) else [])]


@settings(max_examples=40, deadline=None)
@given(histories(), st.data())
def test_up_to_every_moment_a_replay_says_what_was_said_live(events: list[MessageEvent], data: Any) -> None:
    """Whatever came late, whatever the batches were, and whether the moment is a tick, between two, before or after."""
    log = lived(events, data.draw(cuts(events)) if events else None, **GRACE)
    edges = {event.occurred_at / SECOND for event in events} | {one["at"] / SECOND for one in live(log).values()}
    moments = data.draw(st.lists(st.sampled_from(sorted(edges | {-1.0, 1001.0})), max_size=4)) if edges else [50.0]
    for until in (None, *moments, *(moment + data.draw(st.sampled_from((-0.5, 0.5, 5))) for moment in moments)):
        assert differing(log, until, **GRACE) is None


MISSING = journey(0, "1", report=False, read=False)
"""Submitted at 0, stored at 1, never reported or opened: overdue at 60, unread at 101."""

TICKED = [*MISSING, tick(50 * SECOND), tick(90 * SECOND), *reported(95, ("relay", "B1")), tick(200 * SECOND)]
"""The same with its report at last, at 95."""

WHOLE = [("overdue", "raised", 60.0), ("overdue", "cleared", 95.0), ("unread", "raised", 101.0)]


@pytest.mark.parametrize(
    ("until", "count"),
    [(-1, 0), (0, 0), (40, 0), (50, 0), (59.9, 0), (60, 1), (75, 1), (90, 1), (95, 2), (101, 3), (200, 3), (900, 3)],
)
@pytest.mark.parametrize(
    "events", [TICKED, [*MISSING, *reported(95, ("relay", "B1")), tick(200 * SECOND)]], ids=["ticks", "import"]
)
def test_what_was_known_at_a_moment(events: list[MessageEvent], until: float, count: int) -> None:
    """What was decided by then, whether ticks came as time went or one at the end of an import."""
    log = lived(events)
    assert said(replayed(log, until).alerts) == WHOLE[:count]
    assert differing(log, until) is None


@pytest.mark.parametrize(
    ("until", "owing", "reports"),
    [
        (-1, {}, {}),
        (0.2, {"origin": 1}, {"expected": 1}),
        (0.7, {"relay": 1}, {"expected": 1}),
        (5, {}, {"expected": 1}),
        (75, {}, {"overdue": 1}),
        (95, {}, {"received": 1}),
        (None, {}, {"received": 1}),
    ],
)
@pytest.mark.parametrize("every", [1, 200], ids=["ticks", "import"])
def test_where_it_stood_at_a_moment(
    until: float | None, owing: dict[str, int], reports: dict[str, int], every: int
) -> None:
    """What each queue owed by then, and what had become of the reports; what happened later counts for nothing."""
    events = [*journey(0, "1", report=False), *reported(95, ("relay", "B1"))]
    ticks = [tick(at * SECOND) for at in range(every, 201, every)]
    log = lived(sorted([*events, *ticks], key=lambda one: (one.occurred_at, one.kind == "tick")))
    held = replayed(log, until).standing
    assert {host: queue.count for (host, _), queue in held.queues.items()} == owing
    assert held.reports == reports


def test_standing_is_the_sum_of_what_shares_hold() -> None:
    """Two queues to one next hop are one, as old as the older."""
    one, other = (replayed(lived([*submitted(at, f"A{at}", size=5), tick(9 * SECOND)])).standing for at in (2, 1))
    one.add(other)
    (queue,) = one.queues.values()
    assert (queue.count, queue.oldest, queue.volume) == (2, SECOND, 10)
    assert one.reports == {"expected": 2}


def test_nothing_is_known_beyond_the_last_tick() -> None:
    """What would be due by a moment in the future was not told: the clock has not come so far."""
    log = lived([*MISSING, tick(50 * SECOND)])
    replay = replayed(log, 900)
    assert (replay.alerts, replay.clock) == ({}, 50 * SECOND)


def test_evidence_after_the_last_tick_waits_for_the_next() -> None:
    """A report that came late, after the last tick, clears nothing before there is another."""
    log = lived([*MISSING, tick(90 * SECOND), *reported(80, ("relay", "B1"))])
    assert said(replayed(log).alerts) == [("overdue", "raised", 60.0)]
    assert [differing(log, until) for until in (None, 80, 90, 900)] == [None] * 4


def test_a_hand_over_after_the_last_tick_takes_nothing_away_before_the_next() -> None:
    """Two submissions under one Message-ID and a report of one: whose it is becomes known, and is told a tick later."""
    parts = [*submitted(0, "A1"), *submitted(1, "A2"), *reported(3, ("relay", "B1"))]
    between = sent(2, ("origin", "A1"), ("relay", "B1"))
    only: dict[str, Any] = {"findings": ["overdue"]}
    events = [tick(2 * SECOND), *parts, tick(70 * SECOND), *between]
    assert [state for _, state, _ in said(replayed(lived(events, **only), **only).alerts)] == ["raised"] * 2
    log = lived([*events, tick(80 * SECOND)], **only)
    assert [len(replayed(log, until, **only).alerts) for until in (70, 79, 80)] == [2, 2, 3]
    assert [differing(log, until, **only) for until in (None, 61, 70, 79, 80)] == [None] * 5


def test_a_report_answers_until_it_turns_out_to_be_of_another_submission() -> None:
    """It came before A2's was due, and could be taken for A2's alone: that it is A1's is known from 69 on."""
    entry, recipient = submitted(4, "A1")
    first = [entry, *sent(4.5, ("origin", "A1"), ("relay", "B1")), *reported(6, ("relay", "B1"))]
    only: dict[str, Any] = GRACE | {"findings": ["overdue"]}
    log = lived([*first, *submitted(1, "A2"), tick(69 * SECOND), recipient, tick(200 * SECOND)], **only)
    assert said(replayed(log, **only).alerts) == [("overdue", "raised", 69.000001)]
    assert [differing(log, until, **only) for until in (None, 61, 68, 68.5, 69, 70, 200)] == [None] * 7


def test_a_look_that_waited_is_made_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large backlog what is found is looked at now and then, and at last."""
    log = lived(TICKED)
    monkeypatch.setattr("streams.track.part.BEHIND", 0)
    monkeypatch.setattr("streams.track.replay.BATCH", 4)
    assert [differing(log, until) for until in (None, 60, 75, 95, 200)] == [None] * 5


def test_who_was_silent_is_known_from_the_tick_that_says_so() -> None:
    """What was due in a silence is blind and not overdue, also up to a moment before the tick that names it."""
    log = lived([*MISSING, tick(50 * SECOND), tick(90 * SECOND, "store-log"), tick(200 * SECOND)], **GRACE)
    silence = ("source-silent", "raised", 50.0)
    assert said(replayed(log, 75, **GRACE).alerts) == [silence, ("blind", "raised", 60.0)]
    assert [differing(log, until, **GRACE) for until in range(45, 210, 5)] == [None] * 33


def test_what_is_told_after_a_grace_is_not_known_before_it() -> None:
    """It is dated by its due time, yet nobody could know it before the grace was over."""
    log = lived(TICKED, grace=20)
    assert [said(replayed(log, until, grace=20).alerts) for until in (79, 80)] == [[], WHOLE[:1]]


def test_a_tracker_that_was_behind_told_the_same() -> None:
    """What it told only at a later tick was decided when it was."""
    events = [*submitted(0, "A1"), *(tick(through * SECOND) for through in (20, 70, 90, 200))]
    log = lived(events, [(0, 3), (3, len(events))])
    assert {alert["clock"] for alert in live(log).values()} == {200 * SECOND}
    assert said(replayed(log, 65).alerts) == [("stuck", "raised", 30.0), WHOLE[0]]
    assert [differing(log, until) for until in (0, 60, 65, 70, 80, 90)] == [None] * 6


def test_where_the_log_has_lost_its_beginning_what_is_left_is_compared() -> None:
    """Retention ends for the log, not for alerts; what is told of messages that began before is not known whole."""
    short: dict[str, Any] = {"linger": 50, "horizon": 200}
    before, after = journey(0, "1", key="before", report=False), journey(500, "2", key="after", report=False)
    ticks = [tick(at * SECOND) for at in (100, 150, 700)]
    log = lived([*before, *ticks[:2], *after, ticks[2]], **short)
    kept = log.topics["message-events"][0]
    for offset in range(len(before) + 1):
        kept[offset] = None
    replay = replayed(log, **short)
    assert replay.begins == 150 * SECOND
    told = live(log)
    assert not compare(told, replay.alerts).identical
    compared, again = replay.comparable(told), replay.comparable(replay.alerts)
    assert {alert["message_key"] for alert in compared.values()} == {"after"}
    assert compare(compared, again).identical
    assert replayed(lived([*after, ticks[2]], **short)).begins is None


@pytest.mark.parametrize("batch", [1, 100_000])
@pytest.mark.parametrize("gone", range(1, len(TICKED)))
def test_however_much_the_log_has_lost_what_is_left_is_compared(
    monkeypatch: pytest.MonkeyPatch, gone: int, batch: int
) -> None:
    """The first tick that is left may come in any batch after the first."""
    monkeypatch.setattr("streams.track.replay.BATCH", batch)
    log = lived(TICKED)
    log.topics["message-events"][0][:gone] = [None] * gone
    replay = replayed(log)
    ticks = [event.occurred_at for event in TICKED[gone:] if event.message_key == ""]
    assert (replay.begins, replay.untold) == (ticks[0], set())
    assert compare(replay.comparable(live(log)), replay.comparable(replay.alerts)).identical


@pytest.mark.parametrize("left", [0, 3])
def test_where_no_tick_is_left_of_a_partition_nothing_of_it_is_compared(left: int) -> None:
    """What was told of it is known by alerts alone; an import has a tick at its end only."""
    log = lived(TICKED)
    there = log.topics["message-events"][0]
    there += there[:left]
    there[: len(TICKED)] = [None] * len(TICKED)
    replay = replayed(log)
    assert (replay.begins, replay.untold) == (None, {0})
    assert replay.comparable(live(log)) == {}


def test_the_command_says_of_what_no_tick_is_left(ledger: MemoryLog) -> None:
    """And compares nothing of it."""
    there = ledger.topics["message-events"][0]
    there[:] = [None] * len(there)
    code, lines = run("--diff")
    assert (code, lines[-1]) == (0, "Live and replay are identical.")
    assert "to say the time, of partition 0. Nothing of it is compared." in " ".join(" ".join(lines).split())
    assert json.loads("\n".join(run("--json")[1]))["untold"] == [0]


def test_other_terms_say_what_we_would_have_been_told_and_when() -> None:
    """A promise of half the time is overdue as much earlier; a replay changes nothing that is in the log."""
    log = lived(TICKED)
    before = json.dumps(log.topics, default=bytes.hex)
    shorter = replayed(log, report={"normal": 30, "urgent": 10})
    assert said(shorter.alerts) == [("overdue", "raised", 30.0), *WHOLE[1:]]
    assert [one["clock"] / SECOND for one in shorter.alerts.values()] == [90, 200, 200]
    assert [told["at"] / SECOND for told, _ in compare(live(log), shorter.alerts).other] == [60.0]
    assert json.dumps(log.topics, default=bytes.hex) == before


LEDGER = """
name = "strict"
findings = ["overdue"]
[report]
normal = 60
[stuck]
"""


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """The ledger that the command reads, with terms of its own: one report came late, and one never came."""
    log = MemoryLog(Settings(partitions=1))
    writer, terms = log.writer(), profiles.parse(LEDGER, "terms")
    key, value = progress.declared("terms", live=False, terms=terms.version, text=LEDGER, at=0)
    writer.write("progress", key, value)
    tracker = Tracker(log, terms)
    other = submitted(110, "A2", key="n", recipient="carol@dest.test")
    for event in [*TICKED[:-1], *other, tick(100_000 * SECOND)]:
        writer.write("message-events", event.message_key.encode(), envelope.encode(event))
    writer.flush()
    tracker.step(0)
    tracker.close()
    monkeypatch.setattr(broker, "KafkaLog", lambda _settings: log)
    return log


def run(*words: str) -> tuple[int, list[str]]:
    """What the command ends with, and its lines."""
    result = CliRunner().invoke(custody, ["replay", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output.splitlines()


def test_what_is_told_live_meanwhile_is_not_compared(ledger: MemoryLog) -> None:
    """The log's end is taken first; what a later tick decides is in no replay of what was there."""
    ends, replay = ledger.end_offsets("message-events"), Replay(profiles.parse(LEDGER, "terms"))
    writer = ledger.writer()
    for event in [*submitted(100_001, "A3", key="m", recipient="dora@dest.test"), tick(200_000 * SECOND)]:
        writer.write("message-events", event.message_key.encode(), envelope.encode(event))
    writer.flush()
    Tracker(ledger, replay.terms).step(0)
    replay.run(ledger, ends)
    assert len(compare(live(ledger), replay.alerts).missing) == 1
    assert compare(replay.reached(live(ledger)), replay.alerts).identical


@pytest.mark.usefixtures("ledger")
def test_the_command_says_what_stands() -> None:
    """Counts by rule, and the alarms that stand; with --all those that were cleared, too."""
    code, lines = run()
    assert (code, lines[0]) == (0, "Replay   14 events   clock 1970-01-02 03:46:40Z   terms strict")
    assert lines[1].split() == ["overdue", "2", "raised", "1", "cleared", "1", "standing"]
    assert lines[2] == "Not closed: reports: overdue 1, received 1; owed in queues: 1."
    assert lines[3].split()[:6] == ["origin", "to", "-", "1", "owed", "oldest"]
    assert [line.split() for line in lines[4:]] == [["01-01", "00:02:50Z", "overdue", "carol@dest.test", "n"]]
    assert [line.split()[1] for line in run("--all")[1][4:]] == ["00:01:00Z", "00:02:50Z"]


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("option", ["--until", "--at"])
def test_the_command_says_what_was_known_at_a_moment(option: str) -> None:
    """Up to 75 seconds: one alarm that was not yet cleared; compared, it is what was said live."""
    code, lines = run(option, "1970-01-01T00:01:15Z")
    assert (code, "clock 1970-01-01 00:01:15Z" in lines[0]) == (0, True)
    assert lines[1].split() == ["overdue", "1", "raised", "0", "cleared", "1", "standing"]
    code, lines = run(option, "1970-01-01T00:01:15Z", "--diff")
    assert (code, lines[-1]) == (0, "Live and replay are identical.")


@pytest.mark.usefixtures("ledger")
def test_the_command_says_what_other_terms_would_have_told(tmp_path: Path) -> None:
    """They are named, and compared with what was told it ends with 1 and says how it differs."""
    file = tmp_path / "shorter.toml"
    file.write_text(LEDGER.replace("60", "30").replace("strict", "shorter"))
    code, lines = run("--terms", str(file), "--diff")
    assert (code, lines[0].endswith("terms shorter")) == (1, True)
    assert "Live and replay DIFFER: 0 only live, 0 only in the replay, 2 at other times." in lines
    assert [line.split()[::2][:2] for line in lines[-4:] if "carol" in line] == [
        ["live", "00:02:50Z"],
        ["replay", "00:02:20Z"],
    ]


def test_the_command_names_what_only_one_of_them_said(ledger: MemoryLog) -> None:
    """An alert that the live run never told is only in the replay, and one that was made up only live; exit code 1."""
    ledger.topics["alerts"][0][:] = [_other(one) for one in ledger.topics["alerts"][0][:1]]
    code, lines = run("--diff")
    assert (code, lines[2]) == (1, "Live and replay DIFFER: 1 only live, 3 only in the replay, 0 at other times.")
    assert [" ".join(line.split()[:2]) for line in lines[3:]] == ["only live", *["only replay"] * 3]
    data = json.loads("\n".join(run("--diff", "--json")[1]))
    assert {name: len(alerts) for name, alerts in data["difference"].items()} == {"missing": 1, "extra": 3, "other": 0}
    assert (data["identical"], data["clock"], len(data["alerts"])) == (False, 100_000 * SECOND, 3)


def _other(record: tuple[bytes | None, bytes | None] | None) -> tuple[bytes | None, bytes | None]:
    """The record of an alert about something else."""
    assert record is not None
    return record[0], wire.encode("alert", wire.decode("alert", record[1]) | {"alert_id": bytes(16)})


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T23:29:00"])
def test_the_command_refuses_what_is_no_moment(text: str, ledger: MemoryLog) -> None:
    """A time needs its zone; exit code 2, and nothing is read."""
    ledger.topics.clear()
    error = CliRunner().invoke(custody, ["replay", "--at", text]).exception
    assert isinstance(error, Misuse)
    assert error.exit_code == 2
