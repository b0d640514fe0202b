"""Screens of ordinary data with long names: each fits a terminal of 80 columns, and what is cut says so."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from streams.advice import start_hint
from streams.cli import _evidence, _grouped, _lists, doctor, overdue, queue, reliability, replay, topics, trace, unread
from streams.cli._checks import Finding
from streams.cli._screen import clean, flow, resized, wrapped
from streams.cli.up import describe
from streams.collect.parser import Counts, Unread
from streams.core.terms import Terms
from streams.settings import Settings, Stack
from streams.track.replay import Alerts, Difference, Replay
from tests.core.journeys import TERMS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MICROS = round(NOON.timestamp() * 1_000_000)
ID = "20261123115959.7C3F12A0B4@mail-gateway-east-01.department.example"
CJK = "受信者の長い名前の郵便受け@本部の部門の例え.example"
EMOJI = "👍🎉🚀📬📭📮✉️📧💌🔥👍🎉🚀📬📭📮@dest.test"
WHO = "firstname.lastname@headquarters.department.example"


def fits(lines: list[str]) -> str:
    """A screen that fits, as one text."""
    text = "\n".join(lines)
    assert [line for line in text.split("\n") if cell_len(line) > 80] == []
    return text


def of(host: str, next_hop: str, **more: Any) -> dict[str, Any]:
    """A row of `Warehouse.queue`."""
    some = {"priority": 0, "count": 12_345, "oldest": NOON, "deferred": 1_234, "held": 12, "volume": 1_234_567_890}
    return {"host": host, "next_hop": next_hop, "tried_status": "4.4.1", **some, **more}


def test_a_queue_to_an_address_is_named_whole() -> None:
    """Where host and next hop leave no room they stand above the figures, and neither is cut."""
    rows = [of("mail-east", "192.168.100.104"), of("mail-west", "2001:db8:1234:5678::1", priority=-4)]
    lines = queue.lines("T", {"through": NOON}, rows)
    fits(lines)
    assert lines[3] == "  host to next hop"
    assert [lines[5], lines[7]] == ["  mail-east to 192.168.100.104", "  mail-west to 2001:db8:1234:5678::1"]
    assert lines[6].split() == ["normal", "12,345", "0s", "1,234", "12", "1,234,567,890", "4.4.1"]


def test_a_queue_with_short_names_is_one_line() -> None:
    """An ordinary table."""
    lines = queue.lines("T", {"through": NOON}, [of("mx", "relay", volume=1234)])
    assert lines[-1].split()[:3] == ["mx", "relay", "normal"]
    assert lines[3].split()[:3] == ["host", "next", "hop"]
    fits(lines)


def headed(**clock: Any) -> str:
    """The head of a screen with a long title, whole."""
    whole = {"through": NOON, "silent": [], "behind": [], "sources": 12, **clock}
    return fits([_lists.head("Overdue reports", Settings(ledger="operations"), whole)])


def test_a_head_that_fits_is_one_line() -> None:
    """Nothing is moved that has room."""
    line = _lists.head("Queues", Settings(), {"through": NOON, "silent": [], "behind": [], "sources": 12})
    assert line == "Queues   ledger main   at 2026-11-23 12:00:00Z   all 12 sources heard"


def test_two_silent_sources_are_both_named() -> None:
    """On a line of their own where there is no room beside the clock."""
    assert headed(silent=["mail-gateway-east-01", "mail-gateway-west-01"]).split("\n") == [
        "Overdue reports   ledger operations   at 2026-11-23 12:00:00Z",
        "  SILENT: mail-gateway-east-01, mail-gateway-west-01",
    ]


def test_many_silent_sources_are_counted_and_what_is_cut_is_marked() -> None:
    """How many they are, and who is behind or has a wrong clock, is said, too."""
    names = [f"mail-gateway-{number:02}" for number in range(9)]
    _, silent, behind, wrong = headed(silent=names, behind=names[:2], doubted=["x" * 60]).split("\n")
    assert silent.startswith("  SILENT 9: mail-gateway-00, ")
    assert silent.endswith("…")
    assert behind == "  BEHIND: mail-gateway-00, mail-gateway-01"
    assert wrong == "  WRONG CLOCK: " + "x" * 60


ALERT = {
    "rule": "uncorroborated-report",
    "state": "raised",
    "at": MICROS,
    "recipient": WHO,
    "host": "mx",
    "message_key": ID,
}


def test_the_alarms_of_a_replay_have_their_day() -> None:
    """Each with its date, its rule, whom and what about; what is cut ends with a mark."""
    (line,) = replay.lines([ALERT])
    fits([line])
    assert line.split()[:2] == ["11-23", "12:00:00Z"]
    assert [word[-1] for word in line.split()[2:]] == ["…", "…", "…"]


def test_a_difference_fits_and_says_how_much_more_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty of each kind are shown, and what is not shown is counted."""
    found = Difference(missing=[ALERT] * 25, extra=[ALERT], other=[(ALERT, ALERT)] * 21)
    replay._say_difference(found)
    lines = capsys.readouterr().out.splitlines()
    fits(lines)
    words = Counter(line[2:13].strip() for line in lines[1:-1])
    assert words == {"only live": 20, "only replay": 1, "live": 20, "replay": 20}
    assert lines[-1] == "  and 6 more (--json)"


def test_a_difference_tells_raising_and_clearing_apart() -> None:
    """One alarm is in it twice where neither is in the other."""
    lines = replay.compared([("only live", ALERT), ("only live", ALERT | {"state": "cleared"})])
    fits(lines)
    assert [line.split()[4] for line in lines] == ["raised", "cleared"]


def test_the_counts_of_a_large_replay_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """Events, clock, the name of the terms, and the alarms that stand."""
    alerts: Alerts = {(b"1", "raised"): ALERT | {"alert_id": b"1"}}
    one = Replay(terms=Terms.parse(TERMS | {"name": "guaranteed-with-exercises"}), alerts=alerts, events=123_456_789)
    replay._say(one, None, set(), show_all=False)
    assert "terms guaranteed-with-exercises" in fits(capsys.readouterr().out.splitlines())


def test_a_replay_says_that_live_goes_by_other_terms(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the differences: which, and what to do; and nothing of it where they are the same."""
    one = Replay(terms=Terms.parse(TERMS))
    apart = Difference(missing=[ALERT], extra=[], other=[])
    replay._say(one, apart, {"0123456789ab"}, show_all=False)
    said = " ".join(fits(capsys.readouterr().out.splitlines()).split())
    assert said.index("0123456789ab") < said.index(one.terms.version) < said.index("again in this version")
    assert said.index("again in this version") < said.index("DIFFER")
    for found, others in ((apart, set()), (Difference(missing=[], extra=[], other=[]), {"0123456789ab"})):
        replay._say(one, found, others, show_all=False)
        assert "terms (" not in capsys.readouterr().out


def test_the_topics_of_a_ledger_fit() -> None:
    """Also where its name is long and all were made now."""
    settings = Settings(ledger="operations-east")
    names = [str(row["topic"]) for row in topics.rows(settings, [])]
    text = fits([topics.entry(row) for row in topics.rows(settings, names)])
    assert text.count("MADE") == len(names)
    assert "the last of each key after a day" in text
    assert "the last of each key after an hour" in text
    assert " min" in text
    fits([topics.entry(row) for row in topics.rows(settings, names, there=set())])
    assert " ".join(text.split()).count("how far their evidence goes.") == 1


LONG = "/".join(["", "srv", *(f"a-folder-with-a-long-name-{number}" for number in range(6))])


@pytest.mark.parametrize("is_ok", [True, False])
@pytest.mark.parametrize("said", [LONG, "26.5.1 at http://127.0.0.1:8123, its clock differs by 0.00 s", "word " * 40])
def test_a_finding_of_the_doctor_fits(said: str, *, is_ok: bool) -> None:
    """A path, a version, many groups: nothing of them is lost."""
    text = fits(doctor.shown(Finding(name="warehouse", ok=is_ok, said=said, advice="" if is_ok else said)))
    assert "".join(text.split()).count("".join(said.split())) == (1 if is_ok else 2)


@pytest.mark.parametrize("advice", [start_hint(Path(LONG)), f"chmod 700 {LONG}: passwords and messages are in it"])
def test_the_command_that_the_doctor_advises_stands_whole(advice: str) -> None:
    """Pasted, half of it would start another stack, or nothing."""
    told = doctor.shown(Finding(name="stack", ok=False, said="is not there", advice=advice))
    assert told[-1].endswith(f"-> {advice}")


def test_where_a_stack_runs_fits() -> None:
    """Whatever folder it is in."""
    stack = Stack(
        pid=12345, since=0, version="0.1.0", kafka_brokers="127.0.0.1:1", clickhouse_url="http://127.0.0.1:2",
        clickhouse_user="custody", clickhouse_password_file=Path(LONG), schemas_url="http://127.0.0.1:3",
    )  # fmt: skip
    text = fits(describe(stack, Path(LONG)))
    assert "\n  Kafka      127.0.0.1:1\n" in text
    assert "".join(text.split()).count(LONG) == 2


def test_what_carries_nothing_is_named_whole() -> None:
    """All programs and reasons, on as many lines as they need."""
    programs = ("smtpd reject 550 5.1.1", "postfix-script", "postscreen", "anvil", "scache", "tlsproxy")
    counts = Counts(pieces=1_234_567, events=12, ignored=Counter(dict.fromkeys(programs, 1_234_567)))
    counts.unread["a time far from its queue id's: is the source's time zone, or year, right?"] = 7
    counts.examples.append(Unread(file="/var/log/archive/2026/11/mail-gateway-east-01.log", offset=7, reason="no time"))
    text = " ".join(fits(_evidence.said("mail-gateway-east-01-log", counts)).split())
    assert all(f"{program} 1,234,567" in text for program in programs)
    assert "or year, right?" in text
    assert "mail-gateway-east-01.log:7: no time" in text


def test_the_heading_of_a_trace_has_the_whole_id_and_size() -> None:
    """A long id, a large message, long addresses, and how late it was."""
    unit = {
        "size": 12_345_678, "priority": -4, "originator": WHO, "recipient": WHO, "host": "mail-gateway-east-01",
        "queue_id": "Q1",
        "submitted_at": NOON, "proof_at": NOON, "proof": "report", "outcome": "quarantined",
        "report_state": "received", "report": "delivered", "report_due": NOON,
        "report_at": NOON.replace(day=25), "last_host": None,
    }  # fmt: skip
    lines = trace.heading({"message_id": ID, "message_key": ID}, {"units": [unit]}, {})
    text = " ".join(fits(lines).split())
    said = (ID, "non-urgent", "12,345,678 bytes", WHO, "at mail-gateway-east-01", "PROVEN by report, yet quarantined")
    assert [one for one in said if one not in text] == []


def test_the_figures_below_a_reliability_fit() -> None:
    """Its title and its foot, with figures of a large service."""
    numbers = dict.fromkeys(("beyond_sight", "blind", "reports_owed", "reports_in_time", "reports_late"), 1_234_567)
    total = {**numbers, "in_time": 1_234_567, "late": 12_345, "owed": 1_234_567, "delivered": 0.999, "upper": 0.9999,
             "reports_missing": 1234, "reports_not_yet_due": 1_234_567, "reports_by_hand": 123, "reliability": 0.9,
             "settled": False, "not_yet_due": 1_234_567}  # fmt: skip
    clock, span = {"through": NOON}, {"first": NOON, "last": NOON.replace(day=29)}
    text = fits([reliability.title(Settings(), clock, span, total),
                 *reliability.foot(total, dict.fromkeys(("report", "store", "switch", "hand"), 123_456))])  # fmt: skip
    assert "by hand 123,456." in " ".join(text.split())
    assert "missing 1,234, not yet due 1,234,567, by hand 123." in " ".join(text.split())
    assert "1,234,567 not yet due at 2026-11-23 12:00:00Z" in text


def test_the_totals_of_unread_fit() -> None:
    """All four of them."""
    totals = {"standing": 123_456, "cleared": 123_456, "withdrawn": 123_456, "left_unread": 123_456}
    assert fits(unread.lines("T", {}, totals, [], 0)).count("123,456") == 4


def test_the_totals_of_overdue_fit() -> None:
    """All four of them, and that there is more to see."""
    totals = {"standing": 123_456, "owed": 123_456, "cleared": 123_456, "withdrawn": 123_456}
    assert fits(overdue.lines("T", {}, totals, [], 0)).count("123,456") == 4


def test_parts_and_texts_keep_what_they_hold() -> None:
    """What does not fit goes to the next line, set in; a word that is too long is broken and not lost."""
    assert flow(["a" * 40, "b" * 37, "c"]) == "a" * 40 + "   " + "b" * 37 + "\n  c"
    assert flow(["a" * 90]) == "a" * 79 + "…"
    assert "".join("".join(wrapped("x" * 200, "  ")).split()) == "x" * 200
    assert wrapped("") == [""]


@pytest.mark.parametrize("who", [CJK, EMOJI, CJK + EMOJI], ids=["CJK", "emoji", "both"])
def test_wide_characters_take_their_room(who: str) -> None:
    """An address in Chinese characters or emoji is cut by what a terminal shows, and columns stay below each other."""
    row = {"due": NOON, "raised_at": NOON, "cleared_at": None, "priority": 4, "recipient": who, "message_key": who * 3}
    plain = row | {"recipient": WHO, "message_key": ID}
    lines = _grouped.members([row, plain], NOON, "recipient", 0)
    fits(lines)
    assert len({cell_len(line.rpartition("  ")[0]) for line in lines}) == 1
    fits([_lists.head(who, Settings(), {"through": NOON, "silent": [who, who], "behind": [], "sources": 2})])
    fits(queue.lines("T", {"through": NOON}, [of(who, who)]))
    fits([replay.lines([ALERT | {"recipient": who, "message_key": who}])[0]])
    fits(_evidence.said(who, Counts(pieces=1, events=1, ignored=Counter({who: 3, who[1:]: 2}))))


@pytest.mark.parametrize("who", [CJK, EMOJI, CJK + EMOJI], ids=["CJK", "emoji", "both"])
def test_the_heading_of_a_trace_has_room_for_wide_characters(who: str) -> None:
    """Its id and its parties."""
    unit = {
        "size": 1, "priority": -4, "originator": who, "recipient": who * 2, "host": who, "submitted_at": NOON,
        "queue_id": who,
        "proof_at": None, "proof": "", "outcome": "lost", "report_state": "expected", "report": "", "report_due": NOON,
        "report_at": None, "deleted_at": NOON, "last_host": who, "last_queue_id": who,
    }  # fmt: skip
    fits(trace.heading({"message_id": who * 3, "message_key": who}, {"units": [unit]}, {}))


def test_wide_texts_are_cut_filled_and_broken_by_cells() -> None:
    """A character of two cells is whole, or not there."""
    assert clean("日本語", 6) == "日本語"
    assert clean("日本語", 5) == "日本…"
    assert cell_len(clean("日本語", 4)) == 4
    assert resized("日本", 5) == "日本 "
    lines = wrapped(f"to {'日本語' * 40} end", "  ")
    fits(lines)
    assert "".join("".join(lines).split()) == f"to{'日本語' * 40}end"


def test_lines_are_broken_where_blanks_are() -> None:
    """Lines after the first are set in, and no blank is left at an end."""
    lines = wrapped("word " * 40, "  ", "    ")
    assert lines[0] == "  " + "word " * 14 + "word"
    assert [line[:7] for line in lines[1:]] == ["      w"] * 2
    assert [line for line in lines if line.endswith(" ")] == []


def test_blanks_without_end_are_one() -> None:
    """Evidence is hostile: a megabyte of blanks is read once, not once a blank."""
    assert wrapped(f"one{' ' * 1_000_000}two{' ' * 1_000_000}") == ["one two"]


def test_dead_letters_fit_and_move_no_cursor() -> None:
    """Whatever foreign bytes they have; what never was in the log says so."""
    settings = Settings(ledger="drill")
    one = {
        "topic": "drill-message-events",
        "partition": 1,
        "offset": 7,
        "reason": "not framed \x1b[2J",
        "at": 1_795_424_400_000_000,
        "key": "k" * 900,
    }
    letters = [one | {"value": "\x1b[31m" + "x" * 5000}, one | {"offset": -1, "value": "", "key": ""}]
    text = fits([topics.dead_letters(settings, letters)])
    assert "drill-message-events/1 at 7" in text
    assert "drill-message-events/1, never in the log" in text
    assert "\x1b" not in text
