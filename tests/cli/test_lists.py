"""The lists without a service: their help, what they refuse, and how they tell what they are given."""

import json
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli import _grouped, _lists, alerts, cases, overdue, queue, reliability, trace
from streams.cli.app import custody
from streams.core.errors import CustodyError, Misuse, Unavailable
from streams.kafka import broker, writer
from streams.kafka.terms import KEY
from streams.settings import Settings
from streams.warehouse import client, questions
from tests.kafka.memory import MemoryLog

LISTS = ("overdue", "unread", "queue", "alerts", "cases", "reliability", "trace", "sql", "terms", "forget")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOTALS = {"standing": 1, "cleared": 0, "withdrawn": 0, "owed": 1}
CLOCK = {"through": NOON, "silent": [], "behind": [], "sources": 2}


def run(*words: str) -> Any:
    """A command in this process."""
    return CliRunner().invoke(custody, list(words))


@pytest.mark.parametrize("name", LISTS)
def test_every_list_says_how_it_is_used(name: str) -> None:
    """Help ends with 0, fits a terminal and has an example."""
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize("name", ["overdue", "unread", "alerts", "cases"])
def test_every_check_says_how_it_ends(name: str) -> None:
    """A script tells trouble from a clock that stands still."""
    shown = " ".join(run(name, "--help").output.split())
    assert "--check Exit 1 if" in shown
    assert "; 3 if the clock stands still." in shown


@pytest.mark.parametrize("name", ["overdue", "unread", "queue", "alerts", "cases", "reliability"])
def test_every_list_takes_json_and_a_ledger(name: str) -> None:
    """`--json`, `--ledger`, `--data` and `--settings` are everywhere."""
    shown = run(name, "--help").output
    for option in ("--json", "--ledger", "--data", "--settings"):
        assert option in shown


@pytest.mark.parametrize(
    "words",
    [
        ("alerts", "--rule", "nonsense"),
        ("alerts", "--follow", "--all"),
        ("alerts", "--follow", "--check"),
        ("alerts", "--follow", "--limit", "10"),
        ("cases", "--acknowledge", "abcdef12"),
        ("cases", "--acknowledge", "abcdef12", "--by", "J. Doe"),
        ("cases", "--acknowledge", "abcdef12", "--discharge", "abcdef12", "--by", "J. Doe", "--reason", "seen"),
        ("cases", "--discharge", "abcdef12", "--by", "J. Doe"),
        ("cases", "--recipient", "r@x"),
        ("cases", "--reason", "seen"),
        ("sql", " ;\n"),
        ("replay", "--at", "0001-01-01T00:00:00+14:00"),
        ("terms", "check", "no-such-file.toml"),
        ("terms", "show", "no-such-profile"),
        ("worker", "--roles", ","),
        ("worker", "--roles", "clock,nonsense"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...]) -> None:
    """Misuse, before any service is asked."""
    error = run(*words).exception
    assert isinstance(error, Misuse)
    assert error.exit_code == 2


@pytest.mark.parametrize("words", [("reliability", "--by", "moon"), ("trace",), ("sql",), ("forget",)])
def test_what_click_refuses_is_misuse(words: tuple[str, ...]) -> None:
    """Unknown choices and missing arguments end with 2."""
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        *((name,) for name in ("overdue", "unread", "queue", "alerts", "cases", "reliability", "replay")),
        ("alerts", "--follow"),
        ("cases", "--acknowledge", "abcdef12", "--by", "J. Doe", "--reason", "seen"),
        ("forget", "carol@dest.test"),
        ("sql", "SELECT 1"),
        ("terms", "show"),
        ("terms", "use", "watch"),
        ("trace", "m@x"),
        ("worker", "--roles", "clock"),
        ("worker", "--roles", "feed"),
    ],
    ids=" ".join,
)
def test_a_stack_that_does_not_run_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    """Exit code 3, with a hint what to start."""
    error = run(*words, "--data", str(tmp_path)).exception
    assert isinstance(error, CustodyError)
    assert error.exit_code == Unavailable.exit_code
    assert error.hint


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("lax", "There are no terms 'lax'."),
        ("lax.toml", "There is no file lax.toml."),
        ("/x/y", "There is no file /x/y."),
        ("/", "The file / cannot be read: Is a directory."),
    ],
)
def test_a_file_of_terms_that_is_not_there_is_called_a_file(named: str, said: str) -> None:
    """What looks like one was meant as one."""
    for words in (("terms", "check", named), ("terms", "use", named), ("replay", "--terms", named)):
        assert str(run(*words).exception) == said


def test_who_asks_for_what_is_not_known_is_told_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its evidence may not be there, or in another ledger."""
    knows_nothing = SimpleNamespace(clock=dict, candidates=lambda *_: [], turned_away=lambda *_: [])
    monkeypatch.setattr(trace, "opened", lambda *_: (Settings(), knows_nothing))
    error = run("trace", "nosuch@id").exception
    assert isinstance(error, Misuse)
    assert "--ledger" in error.hint


def test_terms_are_listed_shown_and_checked(tmp_path: Path) -> None:
    """The shipped profiles need no service; a wrong file is named with its place."""
    assert "guaranteed" in run("terms", "list").output
    assert set(json.loads(run("terms", "list", "--json").output)) == {"guaranteed", "watch"}
    file = tmp_path / "mine.toml"
    file.write_text(run("terms", "show", "guaranteed").output)
    assert "is right" in run("terms", "check", str(file)).output
    file.write_text(file.read_text().replace("[report]", "[repotr]"))
    assert "repotr" in str(run("terms", "check", str(file)).exception)


def test_meaningless_terms_are_given_to_no_ledger(tmp_path: Path) -> None:
    """They are refused before the ledger is asked for anything."""
    file = tmp_path / "mine.toml"
    file.write_text(run("terms", "show", "watch").output.replace("urgent = 3600", "urgent = 3600\nflash = 600"))
    for words in (["check"], ["use", "--data", str(tmp_path)]):
        error = run("terms", words[0], str(file), *words[1:]).exception
        assert "report: 'urgent' and 'flash' are one priority" in str(error)


def test_terms_that_watch_what_they_do_not_find_are_doubtful(tmp_path: Path) -> None:
    """They can be used; who wrote them learns what they do not do."""
    file = tmp_path / "mine.toml"
    watching = run("terms", "show", "watch").output.replace("mailboxes = []", 'mailboxes = ["*/INBOX"]')
    file.write_text(watching)
    said = run("terms", "check", str(file))
    assert "Doubtful: unread: findings has neither unread nor not-read" in said.output
    assert "is right" not in said.output
    assert said.exit_code == 0
    assert json.loads(run("terms", "check", str(file), "--json").output)["doubts"]


def test_alerts_are_followed_without_a_warehouse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is told stands in the log, and only that is said."""
    alert = dict.fromkeys(("recipient", "host", "message_key"), "") | {"rule": "stuck", "state": "raised", "at": NOON}
    monkeypatch.setattr(alerts, "told", lambda _: [alert | {"host": "mx1"}])
    said = run("alerts", "--follow", "--data", str(tmp_path))
    assert said.exit_code == 0
    assert said.output.split()[-3:] == ["raised", "stuck", "mx1"]


def test_terms_that_cannot_be_read_are_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who declares others is told of it, and they are declared: nothing else mends the ledger."""
    log, written = MemoryLog(Settings()), list[bytes]()
    log.writer().write("progress", KEY, b"foreign")
    log.writers[0].flush()
    monkeypatch.setattr(broker, "KafkaLog", lambda _: log)
    monkeypatch.setattr(writer, "write_all", lambda _settings, _topic, records: written.extend(dict(records)))
    said = run("terms", "use", "guaranteed", "--data", str(tmp_path))
    assert (said.exit_code, written) == (0, [KEY])
    assert "Before: The ledger's terms cannot be read (progress, offset 0)" in said.stderr


def test_a_profile_is_explained_rule_by_rule() -> None:
    """Whom each rule speaks of, and what it says, on a terminal of 80 columns."""
    said = run("terms", "check", str(files("schemas") / "examples" / "terms.toml")).output
    assert "class ours, grade high, from *.mil.test, to ops.test: report urgent" in said
    assert "to partner.test: report none" in said
    assert "not watched in robot@*/*" in said
    assert max(map(len, said.splitlines())) <= 80


def finding(**other: Any) -> dict[str, Any]:
    """A row of `Warehouse.alerts`."""
    return {
        "rule": "overdue",
        "cause": "on hold on relay",
        "message_key": "m@x",
        "recipient": "r@x",
        "host": "relay",
        "due": NOON,
        "raised_at": NOON,
        "cleared_at": None,
        "proof_at": None,
        "proof": "none",
        "deleted_at": None,
        "held_at": None,
        "priority": 4,
        "outcome": "in-queue",
        **dict.fromkeys(("last_host", "holder_host"), "relay"),
        **dict.fromkeys(("last_queue_id", "holder_queue_id"), "B1"),
        **other,
    }


def test_overdue_tells_the_unproven_first() -> None:
    """Groups by cause: what nobody can prove, what only lacks its report, what came late."""
    rows = [
        finding(cleared_at=NOON, cause="left dest, not seen since"),
        finding(proof_at=NOON, cause="delivered, but its report was not seen"),
        finding(held_at=NOON),
        finding(rule="blind", cause="waiting on relay"),
    ]
    totals = {"standing": 3, "cleared": 1, "withdrawn": 0, "owed": 9}
    shown = overdue.lines("T", CLOCK, totals, rows, 0)
    assert [line.split()[0] for line in shown if line[:1].isupper() and line != "T"][:4] == [
        "BLIND", "UNPROVEN", "PROVEN", "LATE",
    ]  # fmt: skip
    assert "UNPROVEN 1   on hold on relay since 12:00:00" in shown
    assert overdue.following(Settings(), rows) == ["", "Next: custody trace m@x"]


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        ({}, "gw cannot hand on"),
        ({"last_host": "bank", "last_queue_id": "C1"}, "in the queue of bank; when raised: gw cannot hand on"),
        ({"outcome": "unknown"}, "left gw, not seen since; when raised: gw cannot hand on"),
        ({"outcome": "refused"}, "given up on gw; when raised: gw cannot hand on"),
        ({"outcome": "deleted", "deleted_at": NOON}, "deleted by hand on gw, 12:00:00; when raised: gw cannot hand on"),
        (
            {"proof_at": NOON, "proof": "store"},
            "delivered, but its report was not seen; when raised: gw cannot hand on",
        ),
        ({"cleared_at": NOON, "outcome": "delivered", "proof_at": NOON}, "gw cannot hand on"),
        ({"proof_at": NOON, "proof": "hand", "outcome": "deleted"}, "gw cannot hand on"),
    ],
)
def test_what_holds_it_up_is_what_does_so_now(known: dict[str, Any], cause: str) -> None:
    """Whoever looks whether it helped sees where a message went since its alarm; what is over keeps its cause."""
    row = finding(cause="gw cannot hand on", last_host="gw", holder_host="gw")
    shown = overdue.lines("T", CLOCK, {"standing": 1, "cleared": 0, "withdrawn": 0, "owed": 1}, [row | known], 0)
    text = " ".join(" ".join(shown[3:-1]).split())
    assert text.partition("1 ")[2] == cause


def test_what_a_person_has_settled_is_not_what_to_look_at_next() -> None:
    """What is discharged stands until the clock passes it; the first on the screen that nobody settled comes next."""
    settled = finding(proof_at=NOON, proof="hand", message_key="settled@x")
    rows = [settled, finding(proof_at=NOON, message_key="proven@x"), finding(message_key="lost@x")]
    assert overdue.following(Settings(), rows)[-1] == "Next: custody trace lost@x"
    assert overdue.following(Settings(), rows[:2])[-1] == "Next: custody trace proven@x"
    assert overdue.following(Settings(), [settled, finding(cleared_at=NOON)]) == []


def test_a_long_group_is_cut_and_says_so() -> None:
    """Ten lines a group unless all are asked for."""
    rows = [finding(message_key=f"m{number}@x") for number in range(25)]
    assert _grouped.members(rows, NOON, "recipient", 10)[-1] == "  and 15 more (--limit 0, --json)"
    assert len(_grouped.members(rows, NOON, "recipient", 0)) == 25


def test_no_line_carries_control_characters() -> None:
    """What a log says cannot move a cursor, hide a line or go beyond the edge."""
    bad = finding(recipient="r\x1b[2J\r\n@x" * 9, message_key="m\x07\u202e@x" * 30, cause="on hold on \x9brelay" * 9)
    totals = {"standing": 1, "cleared": 0, "withdrawn": 0, "owed": 1}
    for line in overdue.lines("T", CLOCK, totals, [bad], 0):
        assert line.isprintable()
        assert len(line) <= 80


def test_the_head_names_what_cannot_be_heard() -> None:
    """A silent or lagging source stands in the first line of every screen."""
    settings: Any = type("S", (), {"ledger": "main"})
    assert "all 2 sources heard" in _lists.head("T", settings, CLOCK)
    assert "no source has told of anything" in _lists.head("T", settings, {**CLOCK, "sources": 0})
    assert "SILENT: relay-log" in _lists.head("T", settings, {**CLOCK, "silent": ["relay-log"]})
    assert "BEHIND: relay-log" in _lists.head("T", settings, {**CLOCK, "behind": ["relay-log"]})
    assert "no clock yet" in _lists.head("T", settings, {})


def test_json_has_hashes_in_hexadecimal_and_times_in_utc() -> None:
    """The same data for machines."""
    value = {"a": b"\x01\xff", "t": NOON.replace(tzinfo=None), "d": date(2026, 11, 23), "n": [None, 1.5, (b"",)]}
    assert _lists.plain(value) == {"a": "01ff", "t": "2026-11-23T12:00:00Z", "d": "2026-11-23", "n": [None, 1.5, [""]]}


@pytest.mark.parametrize(
    ("words", "seconds"),
    [(("reliability",), client.LONG), (("sql", "SELECT 1"), client.LONG), (("queue",), client.ASKING)],
)
def test_what_reads_every_unit_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], seconds: int
) -> None:
    """Figures of a large ledger take longer than what a screen is asked for while somebody waits."""
    asked: list[int] = []

    def connect(_: Settings, *, readonly: bool, patience: int) -> None:
        assert readonly
        asked.append(patience)
        raise Unavailable("nobody is there")

    monkeypatch.setattr(questions, "connect", connect)
    assert isinstance(run(*words, "--data", str(tmp_path)).exception, Unavailable)
    assert asked == [seconds]


def test_nothing_owed_gives_no_percentage() -> None:
    """A reliability of nothing is "-", never 100 %."""
    names = ("sent", "refused_correctly", "owed", "in_time", "late", "refused_by_us", "open", "beyond_sight", "blind")
    assert reliability.figures({**dict.fromkeys(names, 0), "reliability": None}).endswith("-")


def test_who_has_no_domain_is_said_to_have_none() -> None:
    """A local user, and the empty sender of a report."""
    domains = {"originator_domain": "", "recipient_domain": ""}
    assert reliability.name(domains, "domain") == "no domain to no domain"


def test_empty_screens_say_so() -> None:
    """No queue, no case."""
    assert queue.lines("T", CLOCK, []) == ["T", "Nothing is owed anywhere."]
    assert cases.lines("T", [], 0) == ["T", "No case is open."]


def test_a_group_says_the_date_of_another_day() -> None:
    """What was deleted at two times has both; what is on hold, since when the first is."""
    days = [NOON - timedelta(days=2), NOON - timedelta(days=1, minutes=1)]
    deleted = [finding(cause="deleted by hand on mx", deleted_at=day) for day in days]
    shown = {now: overdue.lines("T", {"through": now}, TOTALS, deleted, 1)[3] for now in (NOON, days[1])}
    assert shown[NOON] == "UNPROVEN 2   deleted by hand on mx, 11-21 12:00:00 to 11-22 11:59:00"
    assert shown[days[1]] == "UNPROVEN 2   deleted by hand on mx, 11-21 12:00:00 to 11-22 11:59:00"
    day = [row | {"deleted_at": days[0] + timedelta(hours=number)} for number, row in enumerate(deleted)]
    assert _grouped.since_when("deleted by hand on mx", day, NOON) == ", 11-21 12:00:00 to 13:00:00"
    assert _grouped.since_when("deleted by hand on mx", deleted[:1] * 2, NOON) == ", 11-21 12:00:00"
    by = [row | {"by_postsuper": True} for row in deleted[:1]]
    assert _grouped.since_when("deleted by hand on mx", by, NOON) == " (postsuper), 11-21 12:00:00"
    assert _grouped.since_when("deleted by hand on mx", [*by, *deleted[:1]], NOON) == ", 11-21 12:00:00"
    held = [finding(held_at=day) for day in days]
    assert _grouped.since_when("on hold on relay", held, NOON) == " since 11-21 12:00:00"
    assert _grouped.since_when("on hold on relay", held, NOON.replace(year=2027)) == " since 2026-11-21 12:00:00"
    assert _grouped.since_when("on hold on relay", held, None) == " since 11-21 12:00:00"


def test_an_alarm_that_was_cleared_on_another_day_says_which() -> None:
    """Behind the date on which it was raised."""
    row = finding(withdrawn=False, cleared_at=NOON + timedelta(seconds=9))
    assert alerts.lines("T", [row], 0)[-1].endswith("to 12:00:09")
    row["cleared_at"] += timedelta(days=1)
    assert alerts.lines("T", [row], 0)[-1].endswith("to 11-24 12:00:09")


def test_a_list_that_is_cut_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each rule of which as many were read as are read at most; not on the list, which is data."""
    monkeypatch.setattr(questions, "LIMIT", 2)
    _lists.say_if_short([{"rule": rule} for rule in ("stuck", "stuck", "refused")])
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "Only the first 2 of stuck are here; custody sql has them all.\n"


def test_a_case_whose_cause_is_long_has_it_on_a_line_of_its_own() -> None:
    """Cut off, it would not tell what to do."""
    row: dict[str, Any] = {
        "case_id": b"abcdefgh", "state": "open", "opened_at": NOON, "standing": 1, "members": 2,
        "cause": "overdue: delivered, but its report was not seen", "acknowledged_by": "", "note": "",
    }  # fmt: skip
    *_, line, cause = cases.lines("T", [row], 0)
    assert line.endswith("1   2")
    assert cause.strip() == row["cause"]
    assert cases.lines("T", [row | {"cause": "stuck: on hold on relay"}], 0)[-1].endswith("stuck: on hold on relay")
