"""Every alarm of the sample day is traced to its raw lines: they stand in the evidence and name the unit.

Rules:
- The raw lines of an alarm are those of the view `evidence` that events of its unit point to, under the key of its
  message: `custody trace --raw` prints them.
- An absence (no report, nobody read it, it did not leave) has no line of its own. Its proof is the line of what was
  there, from which its term counts, and that the evidence, read to its end, has no line that says otherwise.
"""

import lzma
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.collect.proof import RAW
from streams.settings import Settings
from streams.warehouse.client import ask
from streams.warehouse.questions import Rows, Warehouse
from tests.service.day.oracle import DAY, Key, key

pytestmark = pytest.mark.service

LINES = """
    WITH stays AS
    (
        SELECT unit, leg FROM legs
        UNION ALL SELECT unit, leg FROM copies
        UNION ALL
        SELECT l.unit AS unit, n.leg AS leg
        FROM legs AS l INNER JOIN entries AS n ON l.host = n.host AND l.queue_id = n.queue_id
    )
    SELECT DISTINCT
        a.alert_id AS alert_id, a.rule AS rule, a.host AS host, a.queue_id AS queue_id, a.recipient AS recipient,
        a.raised_at AS raised_at, a.cleared_at AS cleared_at, a.cause AS cause, a.holder_queue_id AS holder,
        a.message_key AS message_key, a.unit AS stay,
        c.queue_id AS submission, c.recipient AS promised, c.message_id AS message_id,
        e.kind AS kind, e.action AS action, e.occurred_at AS at, e.leg AS leg, e.next_leg AS next_leg,
        v.source AS source, v.file AS file, v.offset AS offset, v.raw AS raw
    FROM alerts AS a
    INNER JOIN (SELECT * FROM stays) AS s ON a.unit = s.leg
    INNER JOIN custody AS c ON s.unit = c.unit
    INNER JOIN (SELECT * FROM stays) AS t ON s.unit = t.unit
    INNER JOIN (SELECT *, arrayJoin([leg, next_leg]) AS touched FROM events) AS e ON t.leg = e.touched
    INNER JOIN evidence AS v ON a.message_key = v.message_key AND e.event_id = v.event_id
    ORDER BY a.alert_id, e.occurred_at
"""

ABOUT = {
    "overdue": {"submitted"},
    "unread": {"delivered"},
    "stuck": {"submitted", "transferred"},
    "refused": {"refused"},
    "deleted": {"deleted"},
    "not-read": {"not_read"},
    "identity-reused": {"submitted"},
}
"""What tells of an alarm, or of that from which its term counts."""

CLEARING = {"overdue": {"reported"}, "stuck": {"transferred", "refused"}}
"""What clears it."""

CAUSES = {
    "deleted by hand on relay": "postfix-relay/postsuper",
    "on hold on relay": ": placed on hold",
    "delivered, but its report was not seen": ": Info: save: ",
}
"""The words of the line that proves what holds up what is overdue or stuck still."""

NEXT = re.compile(r"(?:queued|forwarded) as (\w+)")
PEOPLE = re.compile(r"(?:to=<|lmtp\(|imap\()([^>)]+@[^>)]+)")

Evidence = dict[str, str]
"""Text of each log, by the name of its file."""


@pytest.fixture(scope="module")
def alarms(day: Settings) -> list[Rows]:
    """The raw lines of each alarm, with what the alarm says and what the line is about."""
    found: defaultdict[bytes, Rows] = defaultdict(list)
    for row in ask(Warehouse.of(day).client, LINES):
        found[row["alert_id"]].append(row)
    return list(found.values())


@pytest.fixture(scope="module")
def logs() -> Evidence:
    """The logs as the hosts wrote them."""
    return {file.name: lzma.decompress(file.read_bytes()).decode() for file in DAY.glob("*.log.xz")}


@pytest.fixture(scope="module")
def mails() -> list[str]:
    """The reports and receipts as they came, in their order."""
    with tarfile.open(DAY / "reports.tar.xz") as archive:
        parts = [archive.extractfile(member) for member in archive if member.isfile()]
        return [part.read().decode() for part in parts if part]


def stands(row: dict[str, Any], logs: Evidence, mails: list[str]) -> bool:
    """Is its raw text a whole line, or a whole mail, at the place that it names."""
    name, place, raw = Path(row["file"]).name, row["offset"], row["raw"]
    if name not in logs:
        return bool(mails[place][:RAW] == raw)
    text = logs[name]
    return text[place : place + len(raw) + 1] == f"{raw}\n" and (place == 0 or text[place - 1] == "\n")


def test_every_alarm_has_raw_lines_that_stand_in_the_evidence(
    alarms: list[Rows], logs: Evidence, mails: list[str], expected: Any
) -> None:
    """All 178, those of the oracle and the six of ours; verbatim, whole, at the place that is said."""
    raised = sum(expected["totals"][rule]["raised"] for rule in ("overdue", "stuck", "unread"))
    single = expected["totals"]["refused"] + expected["totals"]["not_read"] + expected["totals"]["outcomes"]["deleted"]
    assert len(alarms) == raised + single + 2 == 178
    wrong = [row for rows in alarms for row in rows if not stands(row, logs, mails)]
    assert not wrong


def names(rows: Rows) -> set[str]:
    """What a unit is called: its Message-ID, its first queue id, and each that a line of a known one leads to."""
    known = {rows[0]["message_id"].strip("<>"), rows[0]["submission"]}
    while more := {name for row in rows if is_named(row, known) for name in NEXT.findall(row["raw"])} - known:
        known |= more
    return known


def is_named(row: dict[str, Any], known: Iterable[str]) -> bool:
    """Does the line have one of the names."""
    return any(name in row["raw"] for name in known)


def is_for(row: dict[str, Any], people: set[str]) -> bool:
    """Where the line says for whom: is it for one of them, and a report about one of them."""
    if row["source"] == "reports":
        return any(f"rfc822;{one}\r\n" in row["raw"] for one in people)
    return people.issuperset(PEOPLE.findall(row["raw"]))


def test_every_raw_line_of_an_alarm_names_its_unit(alarms: list[Rows], expected: Any) -> None:
    """By Message-ID or a queue id that the lines lead to, as they lead to its last holder; and for this recipient."""
    members = {key(unit): {copy["mailbox"] for copy in unit["delivered"]} for unit in expected["units"]}
    for rows in alarms:
        unit, known = (rows[0]["submission"], rows[0]["promised"]), names(rows)
        assert rows[0]["holder"] in known | {""}, rows[0]
        for row in rows:
            assert is_named(row, known), row
            assert is_for(row, {unit[1], *members[unit]}), row


def test_the_cause_of_what_stands_has_its_line(alarms: list[Rows]) -> None:
    """An operator's deletion or hold, or the store's word that it has it, of each that is overdue or stuck."""
    standing = [rows for rows in alarms if rows[0]["rule"] in {"overdue", "stuck"} and rows[0]["cleared_at"] is None]
    assert len(standing) == 9
    for rows in standing:
        assert any(CAUSES[rows[0]["cause"]] in row["raw"] for row in rows), rows[0]


def test_a_message_id_used_again_has_the_lines_of_both(day: Settings, alarms: list[Rows]) -> None:
    """Two submissions by their queue ids, and the store's two lines that say this Message-ID."""
    for alarm in [rows[0] for rows in alarms if rows[0]["rule"] == "identity-reused"]:
        lines = [row["raw"] for row in Warehouse.of(day).raw(alarm["message_key"])]
        submitted = {line for line in lines if "postfix-origin/qmgr" in line and ": from=<" in line}
        saved = {line for line in lines if f"msgid={alarm['message_id']}," in line and ": Info: save: " in line}
        assert (len(submitted), len(saved)) == (2, 2)
        assert any(f": {alarm['submission']}: " in line for line in submitted)


def terms(rows: Rows, expected: Any, priorities: dict[Key, str]) -> timedelta:
    """What lies between the line and the alarm."""
    rule, allowed = rows[0]["rule"], expected["terms"]
    if rule == "overdue":
        return timedelta(seconds=allowed["report"][priorities[rows[0]["submission"], rows[0]["promised"]]])
    return timedelta(seconds=allowed.get(rule, 0))


def is_about(row: dict[str, Any], kinds: set[str]) -> bool:
    """Is the line about the alarm's own stay, or, of what befell it later, about its unit."""
    return row["kind"] in kinds and (
        row["stay"] in {row["leg"], row["next_leg"]} or row["kind"] in {"refused", "deleted"}
    )


def test_a_raw_line_says_when_each_alarm_was_raised_and_cleared(alarms: list[Rows], expected: Any) -> None:
    """The line of what happened, or of what its term counts from, has its time; so has the line that cleared it."""
    priorities = {key(unit): unit["priority"] for unit in expected["units"]}
    for rows in alarms:
        rule, raised, cleared = (rows[0][name] for name in ("rule", "raised_at", "cleared_at"))
        since, near = raised - terms(rows, expected, priorities), timedelta(seconds=1 if rule == "refused" else 0)
        found = [row for row in rows if is_about(row, ABOUT[rule]) and abs(row["at"] - since) <= near]
        assert any(f"{since:%H:%M:%S}" in row["raw"] for row in found), rows[0]
        ends = [row for row in rows if cleared == row["at"] and is_about(row, CLEARING.get(rule, set()))]
        assert cleared is None or any(f"{cleared:%H:%M:%S}" in row["raw"] for row in ends), rows[0]


def reports(alarm: dict[str, Any], mails: list[str]) -> set[int]:
    """Places of final reports about a unit."""
    who, what = f"Original-Recipient: rfc822;{alarm['promised']}\r\n", alarm["message_id"]
    return {n for n, mail in enumerate(mails) if what in mail and who in mail and "Action: delayed" not in mail}


def reads(rows: Rows, log: str, mails: list[str]) -> list[str]:
    """Lines and receipts that say that a copy was opened, or left."""
    user, message = rows[0]["recipient"], rows[0]["message_id"]
    save = next(row["raw"] for row in rows if row["stay"] == row["next_leg"] and row["kind"] == "delivered")
    box, uid = re.findall(r"box=[^,]+,|uid=\d+,", save)
    lines = [line for line in log.splitlines() if f"imap({user})" in line and f"{box} {uid}" in line]
    receipts = [
        mail for mail in mails if f"Original-Message-ID: {message}\r\n" in mail and f"rfc822;{user}\r\n" in mail
    ]
    return lines + receipts


def test_an_absence_is_one_in_all_the_evidence(alarms: list[Rows], logs: Evidence, mails: list[str]) -> None:
    """No report in any file but the one that cleared; nobody opened what is unread; what is stuck was never removed."""
    for rows in alarms:
        rule, cleared = rows[0]["rule"], rows[0]["cleared_at"]
        if rule == "overdue":
            ends = {row["offset"] for row in rows if row["source"] == "reports" and row["at"] == cleared}
            assert reports(rows[0], mails) == ends, rows[0]
        if rule == "unread":
            assert not reads(rows, logs["dovecot.log.xz"], mails), rows[0]
        if rule == "stuck":
            gone = f"{rows[0]['queue_id']}: removed\n" in logs[f"{rows[0]['host']}.log.xz"]
            assert gone == (cleared is not None), rows[0]
