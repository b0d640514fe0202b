"""The sample day unit by unit: the views equal the independent reading, field by field, to the second.

Rules:
- Every unit and every field of the oracle is compared, in one mapping a view that says what it stands for in ours.
- Who is right where the two differ is read from the raw lines; such units stand in `CROSSED`, with the reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from streams.settings import Settings
from streams.warehouse.client import ask
from streams.warehouse.questions import Rows, Warehouse
from tests.service.day.oracle import PRIORITIES, Key, at, cut, key, second

pytestmark = pytest.mark.service

CROSSED = {
    ("4jYMYC4g9Sz1TBY8", "carol@dest.test"): "OG0qOt/LBGtfVAAAg+zDdQ",
    ("4jYMYY2b7Vz1TBs9", "frank@dest.test"): "ob5hK/HLBGvWVAAAg+zDdQ:T3",
}
"""Units whose report reached the store within one second and was saved in the next, and the session that brought it.

Ours is the time that the report itself got from that session, the oracle's that of the store's line. Both are right,
and neither is near a deadline.
"""

FINDINGS = """
    SELECT c.queue_id AS submission, c.recipient AS promised, a.rule AS rule, a.queue_id AS queue_id,
        a.recipient AS recipient, a.raised_at AS raised_at, a.cleared_at AS cleared_at
    FROM alerts AS a
    LEFT JOIN (SELECT unit, leg FROM legs UNION ALL SELECT unit, leg FROM copies) AS s ON a.unit = s.leg
    LEFT JOIN custody AS c ON s.unit = c.unit
"""
LEGS = """
    SELECT c.queue_id AS submission, c.recipient AS promised, g.host AS host, g.queue_id AS queue_id,
        g.arrived_at AS arrived_at, g.left_at AS left_at, g.deleted_at AS deleted_at
    FROM legs AS g INNER JOIN custody AS c ON g.unit = c.unit
"""
COPIES = """
    SELECT c.queue_id AS submission, c.recipient AS promised, k.user AS user, k.mailbox AS mailbox,
        k.saved_at AS saved_at, k.read_at AS read_at, k.gone_at AS gone_at, k.unread_due AS unread_due
    FROM copies AS k LEFT JOIN custody AS c ON k.unit = c.unit
"""
SWITCHES = """
    SELECT host, uniqExactIf(queue_id, source = concat(host, '-log')) AS queue_ids,
        countIf(source = concat(host, '-log') AND (side = 'sent' OR kind = 'delivered')) AS sent,
        countIf(kind = 'deferred') AS deferred, countIf(kind = 'refused' AND action IS NULL) AS bounced,
        countIf(kind = 'refused' AND action IS NOT NULL) AS expired,
        countIf(kind = 'refused' AND action = 'forced') AS forced
    FROM events WHERE host IN ('origin', 'relay', 'dest') GROUP BY host
"""
REPORTS = """
    SELECT action, count() AS said, (SELECT uniqExact(file, offset) FROM events WHERE source = 'reports') AS files
    FROM events WHERE source = 'reports' GROUP BY action
"""

Finding = tuple[str, str, datetime | None, datetime | None]
"""Rule; where: a queue id or a mailbox; raised; cleared."""


@pytest.fixture(scope="module")
def warehouse(day: Settings) -> Warehouse:
    """Of the sample day."""
    return Warehouse.of(day)


@pytest.fixture(scope="module")
def units(warehouse: Warehouse) -> Rows:
    """The view `custody`."""
    return ask(warehouse.client, "SELECT * FROM custody")


@pytest.fixture(scope="module")
def copies(warehouse: Warehouse) -> Rows:
    """The view `copies`, with the unit of each; empty where it has none."""
    return ask(warehouse.client, COPIES)


@pytest.fixture(scope="module")
def found(warehouse: Warehouse) -> Rows:
    """The view `alerts`, with the unit of each."""
    return ask(warehouse.client, FINDINGS)


def of(row: dict[str, Any]) -> Key:
    """The unit of a row."""
    return row["submission"], row["promised"]


def ours(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `custody` in the fields that the oracle has."""
    names = (
        "message_id",
        "originator",
        "priority",
        "submitted_at",
        "report_requested",
        "report_due",
        "report",
        "outcome",
    )
    return {name: row[name] for name in names} | {
        "report_at": row["report_at"],
        "delayed_at": row["delayed_at"],
        "refused_at": row["refused_at"],
        "refused_status": row["refused_status"],
        "held by": (row["last_host"], row["last_queue_id"]) if row["proof_at"] is None else None,
    }


def theirs(unit: dict[str, Any], terms: dict[str, int]) -> dict[str, Any]:
    """A unit of the oracle in the columns of `custody`.

    It names a last holder only of what was not delivered, where ours always does; a report is due by the terms where it
    was requested; its report's time is the save in the originator's mailbox, ours the line the report got on arrival.
    """
    report, refused, holder = (unit[name] or {} for name in ("report", "refused", "last_holder"))
    submitted = datetime.fromisoformat(unit["submitted_at"]).replace(tzinfo=None)
    return {
        "message_id": unit["message_id"],
        "originator": unit["originator"],
        "priority": PRIORITIES[unit["priority"]],
        "submitted_at": submitted,
        "report_requested": unit["report_requested"],
        "report_due": submitted + timedelta(seconds=terms[unit["priority"]]) if unit["report_requested"] else None,
        "report": report.get("action", ""),
        "outcome": unit["outcome"],
        "report_at": second(report.get("at")),
        "delayed_at": second(unit["delayed_at"]),
        "refused_at": second(refused.get("at")),
        "refused_status": refused.get("status", ""),
        "held by": (holder["host"], holder["queue_id"]) if holder else None,
    }


def test_every_unit_is_what_the_oracle_says(units: Rows, expected: Any) -> None:
    """Who, when, by when, what was told of it and when, what became of it, and who holds it: 234 units, no other."""
    wanted = {key(unit): theirs(unit, expected["terms"]["report"]) for unit in expected["units"]}
    for crossed in CROSSED:
        wanted[crossed]["report_at"] -= timedelta(seconds=1)
    assert {(row["queue_id"], row["recipient"]): ours(row) for row in units} == wanted
    assert len(units) == len(wanted)


def test_two_reports_were_saved_a_second_after_they_came(warehouse: Warehouse, units: Rows, expected: Any) -> None:
    """By the raw lines of one session: the report's says when it came, as ours; the store's, when it was saved."""
    store = ask(warehouse.client, "SELECT raw FROM evidence WHERE source = 'store-log'")
    mine = {(row["queue_id"], row["recipient"]): row for row in units}
    told = {key(unit): unit["report"]["at"] for unit in expected["units"] if key(unit) in CROSSED}
    for unit, session in CROSSED.items():
        row = mine[unit]
        (report,) = (one["raw"] for one in warehouse.raw(row["message_key"]) if f"\tid {session}\r\n" in one["raw"])
        (save,) = (one["raw"] for one in store if f"<{session}>: Info: save:" in one["raw"])
        assert f"for <{row['originator']}>; {row['report_at']:%a, %d %b %Y %H:%M:%S} +0000\r\n" in report
        assert save.startswith(told[unit].removesuffix("Z"))


def test_every_copy_is_what_the_oracle_says(copies: Rows, expected: Any) -> None:
    """Whose mailbox, saved at the microsecond, read at the second; all others are the reports that came back."""
    wanted = Counter(
        (key(unit), copy["mailbox"], at(copy["saved_at"]), second(copy["read_at"]))
        for unit in expected["units"]
        for copy in unit["delivered"]
    )
    said = Counter((of(row), row["user"], row["saved_at"], cut(row["read_at"])) for row in copies if row["submission"])
    assert said == wanted
    assert {row["mailbox"] for row in copies} == {"INBOX"}
    others = {row["user"] for row in copies if not row["submission"]}
    assert others == {unit["originator"] for unit in expected["units"]}


def test_no_other_stay_was_too_long(warehouse: Warehouse, expected: Any) -> None:
    """Which queues kept a unit longer than the terms allow, since when and until when, by the legs themselves."""
    legs = ask(warehouse.client, LEGS)
    end, allowed = at(expected["end"]), timedelta(seconds=expected["terms"]["stuck"])
    said = {
        (of(row), row["host"], row["queue_id"]): (row["arrived_at"] + allowed, row["left_at"])
        for row in legs
        if (row["left_at"] or end) > row["arrived_at"] + allowed
    }
    wanted = {
        (key(unit), stay["host"], stay["queue_id"]): (at(stay["raised_at"]), at(stay["cleared_at"]))
        for unit in expected["units"]
        for stay in unit["stuck"]
    }
    assert said == wanted
    deleted = {(of(row), row["host"], row["queue_id"]) for row in legs if row["deleted_at"] is not None}
    assert deleted == {
        (key(unit), unit["last_holder"]["host"], unit["last_holder"]["queue_id"])
        for unit in expected["units"]
        if unit["outcome"] == "deleted"
    }


def findings(unit: dict[str, Any], first: set[Key]) -> Iterable[Finding]:
    """What the oracle finds of a unit; and, of what it tells in other words, a deletion and a Message-ID used again."""
    where = unit["origin_queue_id"]
    if late := unit["overdue"]:
        yield "overdue", where, second(late["raised_at"]), second(late["cleared_at"])
    for copy in unit["unread"]:
        yield "unread", copy["mailbox"], second(copy["raised_at"]), second(copy["cleared_at"])
    for copy in unit["not_read"]:
        yield "not-read", copy["mailbox"], second(copy["at"]), None
    for stay in unit["stuck"]:
        yield "stuck", stay["queue_id"], second(stay["raised_at"]), second(stay["cleared_at"])
    if unit["refused"]:
        yield "refused", where, second(unit["refused"]["at"]), None
    if unit["outcome"] == "deleted":
        yield "deleted", where, None, None
    if key(unit) not in first:
        yield "identity-reused", where, second(unit["submitted_at"]), None


def test_every_unit_has_the_findings_of_the_oracle_and_no_other(found: Rows, expected: Any) -> None:
    """178 alarms of 106 units: which rule, where, raised and cleared, to the second; 128 units are not alarmed."""
    submissions: dict[str, Any] = {}
    for unit in sorted(expected["units"], key=lambda unit: unit["submitted_at"]):
        submissions.setdefault(unit["message_id"], unit["origin_queue_id"])
    first = {key(unit) for unit in expected["units"] if submissions[unit["message_id"]] == unit["origin_queue_id"]}
    wanted = {key(unit): Counter(findings(unit, first)) for unit in expected["units"]}
    said: defaultdict[Key, Counter[Finding]] = defaultdict(Counter)
    for row in found:
        where = row["recipient"] if row["rule"] in {"unread", "not-read"} else row["queue_id"]
        raised = None if row["rule"] == "deleted" else cut(row["raised_at"])
        said[of(row)][row["rule"], where, raised, cut(row["cleared_at"])] += 1
    assert said == {unit: some for unit, some in wanted.items() if some}
    assert (len(said), len(wanted) - len(said)) == (106, 128)


def test_the_totals_are_those_of_the_oracle(
    warehouse: Warehouse, units: Rows, copies: Rows, found: Rows, expected: Any
) -> None:
    """Counted from the views; lines of a log are counted where it is read, and compared in tests/collect."""
    reports = ask(warehouse.client, REPORTS)
    mine = [row for row in copies if row["submission"]]
    rules = {rule: [row for row in found if row["rule"] == rule] for rule in ("overdue", "stuck", "unread")}
    counted = {
        "units": len(units),
        "copies": len(mine),
        "copies_watched": sum(row["unread_due"] is not None for row in mine),
        "reads": sum(row["read_at"] is not None for row in mine),
        "units_delayed": sum(row["delayed_at"] is not None for row in units),
        "units_with_any_finding": len({of(row) for row in found}),
        "refused": sum(row["refused_at"] is not None for row in units),
        "not_read": sum(row["gone_at"] is not None for row in mine),
        "outcomes": Counter(row["outcome"] for row in units),
        "priorities": Counter(row["priority"] for row in units),
        "report_actions": {row["action"]: row["said"] for row in reports},
        "report_files": reports[0]["files"],
        "switches": {row.pop("host"): row for row in ask(warehouse.client, SWITCHES)},
        **{rule: raised(rows) for rule, rows in rules.items()},
    }
    totals = expected["totals"]
    assert counted == totals | {
        "priorities": {PRIORITIES[name]: count for name, count in totals["priorities"].items()},
        "switches": {
            host: {name: count for name, count in counts.items() if name != "lines"}
            for host, counts in totals["switches"].items()
        },
    }


def raised(rows: Rows) -> dict[str, int]:
    """How many alarms there are, cleared and standing."""
    standing = sum(row["cleared_at"] is None for row in rows)
    return {"raised": len(rows), "cleared": len(rows) - standing, "standing": standing}
