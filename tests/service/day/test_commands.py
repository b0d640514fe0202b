"""What the screens say of the sample day equals what an independent reading of its evidence says."""

import secrets
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.core.errors import Misuse, Unavailable
from streams.kafka import progress, topics
from streams.kafka.lag import waiting
from streams.kafka.writer import Writer
from streams.settings import Settings
from streams.warehouse.migrations import migrate
from streams.warehouse.questions import Warehouse
from tests.service.day.conftest import Say
from tests.service.trackers import has_read_all
from tests.waiting import until

pytestmark = pytest.mark.service

LOST = "day-0129.lost@origin.test"
SCREENS = (
    "overdue", "overdue --all --limit 0", "unread", "unread --limit 0", "queue", "alerts --all", "cases --all",
    "reliability", "reliability --by peer", "reliability --by domain", "reliability --by day", f"trace {LOST}",
    "trace carol@dest.test", "trace day-0039.list", 'sql "SELECT outcome FROM custody LIMIT 3"', "doctor", "status",
    "topics", "replay", "replay --all", "replay --diff",
)  # fmt: skip


def second(text: str) -> datetime:
    """A time; `is_near` compares."""
    return datetime.fromisoformat(text)


def is_near(one: str, other: str) -> bool:
    """The same to the second: logs have whole seconds."""
    return abs(second(one) - second(other)) <= timedelta(seconds=1)


@pytest.mark.parametrize("words", SCREENS)
def test_every_screen_fits_eighty_columns(say: Say, words: str) -> None:
    """And carries nothing that a terminal obeys."""
    result = say(words)
    assert result.exit_code in ({0, 1} if words == "doctor" else {0}), result.output  # the machine may be small
    for line in result.output.splitlines():
        assert line.isprintable()
        assert len(line) <= 80, line


def test_overdue_is_what_the_oracle_says(day: Settings, told: Say, say: Say, expected: Any) -> None:
    """Eight stand of thirty-nine, unit by unit, to the second; groups by cause."""
    answer = told("overdue --all")
    theirs = {
        (unit["origin_queue_id"], unit["recipient"]): unit["overdue"] for unit in expected["units"] if unit["overdue"]
    }
    assert (answer["standing"], answer["cleared"], answer["owed"]) == (8, 31, 233)
    assert {(row["queue_id"], row["recipient"]) for row in answer["overdue"]} == set(theirs)
    for row in answer["overdue"]:
        their = theirs[row["queue_id"], row["recipient"]]
        assert is_near(row["raised_at"], their["raised_at"])
        assert (row["cleared_at"] is None) == (their["cleared_at"] is None)
    shown = say("overdue").output
    for line in (
        "UNPROVEN 4   deleted by hand on relay (postsuper), 23:28:43",
        "UNPROVEN 1   on hold on relay since 23:28:43",
        "PROVEN   3   delivered, but its report was not seen",
    ):
        assert line in shown
    assert " ".join(shown.replace("\\\n", "").split()).endswith(f"Next: custody trace --data {day.data} {LOST}")


def test_unread_is_what_the_oracle_says(told: Say, expected: Any) -> None:
    """Eighty-two copies by mailbox, and one that left the store unread."""
    answer = told("unread")
    theirs = Counter(copy["mailbox"] for unit in expected["units"] for copy in unit["unread"])
    assert Counter(row["recipient"] for row in answer["unread"] if row["rule"] == "unread") == theirs
    assert (answer["standing"], answer["left_unread"]) == (82, 1)


def test_one_queue_owes_one_recipient_on_hold(told: Say) -> None:
    """The message that somebody held and forgot."""
    (row,) = told("queue")["queue"]
    assert (row["host"], row["count"], row["held"]) == ("relay", 1, 1)
    (again,) = told("replay")["queues"]
    assert again == {name: again[name] if name == "oldest" else row[name] for name in again}


def test_a_replay_says_where_the_day_stood(told: Say) -> None:
    """At its end reports stand as SQL says; before it began nothing did; in the midst of it queues were full."""
    states = told('sql "SELECT report_state, toUInt32(count()) AS n FROM custody GROUP BY ALL"')["data"]
    assert told("replay")["reports"] == {row["report_state"]: row["n"] for row in states}
    early = told("replay --at 2026-11-23T00:00:00Z")
    assert (early["queues"], early["reports"], early["alerts"]) == ([], {}, [])
    midst = told("replay --at 2026-11-23T23:28:30Z")
    assert midst["reports"]["expected"] > 0
    owed = """sql "SELECT count() AS n FROM legs WHERE arrived_at <= '2026-11-23 23:28:30'
        AND ifNull(left_at > '2026-11-23 23:28:30', 1)" """
    assert sum(queue["count"] for queue in midst["queues"]) == int(told(owed)["data"][0]["n"]) > 1


@pytest.mark.parametrize("by", ["priority", "peer", "domain", "day"])
def test_reliability_is_counted_from_custody(told: Say, by: str) -> None:
    """Each unit is in one line and one class; the lines sum up to all, and all to the table of units."""
    *parts, total = told(f"reliability --by {by}")["reliability"]
    rows = told('sql "SELECT class, count() AS n FROM custody GROUP BY class"')["data"]
    classes = {row["class"]: int(row["n"]) for row in rows}
    assert total["sent"] == sum(classes.values()) == 234
    assert total["in_time"] == classes["proven_in_time"]
    assert total["late"] == classes["proven_late"]
    names = ("sent", "owed", "in_time", "late", "refused_by_us", "refused_correctly", "open", "beyond_sight", "blind")
    for name in names:
        assert sum(part[name] for part in parts) == total[name]
    assert total["reliability"] == pytest.approx(total["in_time"] / total["owed"])
    assert 0 <= total["low"] < total["reliability"] < total["high"] <= 1


def test_a_trace_takes_ids_in_any_form(told: Say, say: Say) -> None:
    """With and without <>, its beginning, and every queue id on the way."""
    for named in (LOST, f"<{LOST}>", "day-0129.lost", "4jYMZL51fnz1TCJ0", "4jYMZL52lmz1TCJ3"):
        assert told(f"trace {named}")["message"]["message_key"] == LOST
    shown = say(f"trace {LOST}").output
    for words in ("UNPROVEN", "4jYMZL52lmz1TCJ3", "deferred 6x", "DELETED by postsuper[22005]", "ALARM overdue"):
        assert words in shown


def test_a_trace_that_could_mean_several_lists_them(told: Say, say: Say) -> None:
    """A recipient gets many messages; nobody gets none."""
    assert len(told("trace carol@dest.test")["candidates"]) == 50
    assert isinstance(say("trace nobody@nowhere.test").exception, Misuse)


def test_what_was_turned_away_at_the_door_is_told_of_an_address(told: Say, say: Say) -> None:
    """The host dest refused six recipients of two senders; it never had these messages, and relay did."""
    counted = say('sql --format CSV "SELECT * FROM rejected_daily"').output
    assert counted == '"2026-11-23","dest",550,"5.1.1",6,1,2,6\n'
    (refused,) = told("trace nobody2@dest.test")["rejections"]
    assert (refused["originator"], refused["diagnostic"][:18]) == ("alice@origin.test", "<nobody2@dest.test")
    shown = say("trace nobody2@dest.test").output
    assert "Turned away at the door, by a host that never took it: once:\n  11-23 23:27:45Z  dest  550 5.1.1" in shown
    assert "Turned away" not in say(f"trace {LOST}").output


def test_a_trace_lists_as_many_as_are_asked_for(told: Say, say: Say) -> None:
    """And says how to see the older ones."""
    shown = say("trace carol@dest.test").output
    assert "50 messages or more" in shown
    assert "Older ones: custody trace --limit 500 --data" in shown
    whole = told("trace carol@dest.test --limit 500")["candidates"]
    assert 50 < len(whole) < 500
    assert "Older ones" not in say("trace carol@dest.test --limit 500").output
    assert told("trace carol@dest.test")["candidates"] == whole[:50]


def test_a_trace_takes_the_ids_of_lists(told: Say) -> None:
    """Of an alert and its unit, as `--json` has them, and of a case, as its screen shows it."""
    (row,) = [one for one in told("overdue")["overdue"] if one["message_key"] == LOST]
    for name in ("alert_id", "unit"):
        assert told(f"trace {row[name]}")["message"]["message_key"] == LOST
    (case,) = [one for one in told("cases")["cases"] if one["cause"] == "overdue: deleted by hand on relay"]
    assert LOST in {one["message_key"] for one in told(f"trace {case['case_id'][:8]}")["candidates"]}


def test_a_trace_of_what_is_no_id_says_what_one_is(say: Say) -> None:
    """What is too long is refused; of a queue id its beginning is not enough."""
    assert "3,000 characters are too long" in str(say(f"trace {'x' * 3000}").exception)
    for longest in ("x" * 400, "日" * 133, "İ" * 200):
        assert "Nothing is known of" in str(say(f"trace {longest}").exception)
    beginning = say("trace 4jYMZL52lmz1TC").exception
    assert isinstance(beginning, Misuse)
    assert "A queue id must be whole" in beginning.hint


def test_a_reused_id_tells_each_submission(say: Say) -> None:
    """Bob's message is Bob's, whoever sent another with its Message-ID."""
    shown = say("trace 4jYMYY4Vc9z1TBtJ").output.splitlines()
    (at,) = [number for number, line in enumerate(shown) if line.strip().startswith("4jYMYY4Vc9z1TBtJ   ")]
    assert shown[at - 1].startswith("From      bob@origin.test")
    assert shown[at].endswith("877 bytes")
    assert sum(line.startswith("From ") for line in shown) == 2


def test_raw_lines_prove_a_finding(say: Say) -> None:
    """The line of the deletion, as the log has it."""
    shown = say(f"trace {LOST} --raw").output
    assert "postfix-relay/postsuper[22005]: 4jYMZL52lmz1TCJ3: removed" in shown


def test_cases_are_causes(told: Say) -> None:
    """One case holds the four deletions, whatever their number."""
    found = {row["cause"]: row for row in told("cases")["cases"]}
    assert found["overdue: deleted by hand on relay"]["standing"] == 4
    assert not any(row["state"] == "closed" for row in found.values())
    assert {row["state"] for row in told("cases --all")["cases"]} == {"open", "closed"}


def test_alerts_are_counted_by_rule(told: Say, expected: Any) -> None:
    """Every alarm of the oracle, and no other."""
    counts = Counter(row["rule"] for row in told("alerts --all")["alerts"])
    totals = expected["totals"]
    assert counts["stuck"] == totals["stuck"]["raised"]
    assert counts["refused"] == totals["refused"]
    assert {row["rule"] for row in told("alerts --rule stuck,refused")["alerts"]} == {"stuck", "refused"}


@pytest.mark.parametrize("name", ["overdue", "unread", "alerts", "cases"])
def test_findings_end_a_check_with_one(say: Say, name: str) -> None:
    """For scripts."""
    assert say(f"{name} --check").exit_code == 1


def test_a_check_of_what_nobody_judged_is_no_calm(day: Settings) -> None:
    """All of the day was read and derived; of another ledger, which has no workers, nothing was."""
    until(lambda: has_read_all(day), "tracker and feed have read all")
    until(Warehouse.of(day).is_derived, "all is derived")
    other = msgspec.structs.replace(day, ledger=f"t{secrets.token_hex(5)}")
    topics.create(other)
    migrate(other)
    writer = Writer(other)
    writer.write("progress", *progress.declared("mx1", live=False, terms="", text=""))
    writer.write("progress", *progress.progressed("mx1", 5, live=False))
    writer.flush()
    ended = CliRunner().invoke(custody, ["overdue", "--check", "--data", str(day.data), "--ledger", other.ledger])
    assert isinstance(ended.exception, Unavailable)
    assert waiting(other, 10) == f"custody-tracker-{other.ledger} never read it"


def test_sql_is_read_only_by_the_engine(say: Say) -> None:
    """What would change something is refused; a statement that is no question does not even parse."""
    for query in ("DROP TABLE ticks", "TRUNCATE TABLE ticks", "SET readonly = 0"):
        error = say(f'sql "{query}"').exception
        assert isinstance(error, Misuse)
        assert "readonly" in str(error).lower() or "FORMAT" in str(error)


def test_sql_answers_in_any_format(say: Say) -> None:
    """And its table shows no control character."""
    assert say('sql --format CSV "SELECT 1, 2"').output == "1,2\n"
    assert "\x1b" not in say('sql "SELECT char(27) AS a"').output


def test_a_ledger_that_is_not_there_is_misuse(say: Say) -> None:
    """Its name is in the message."""
    error = say("overdue --ledger nowhere").exception
    assert isinstance(error, Misuse)
    assert "nowhere" in str(error)


def test_a_warehouse_that_is_away_is_said(day: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3."""
    monkeypatch.setenv("CUSTODY_CLICKHOUSE_URL", "http://127.0.0.1:9")
    error = CliRunner().invoke(custody, ["overdue", "--data", str(day.data)]).exception
    assert isinstance(error, Unavailable)
    assert error.exit_code == 3
