"""Deriving custody and alarms in SQL, as a whole: nothing is incremented, so nothing can count twice."""

import re
from fnmatch import translate
from typing import Any

from streams.core.clock import Clock, Tick
from streams.core.lattice import NEVER
from streams.core.terms import LEVELS, SECOND, Seconds, Terms
from streams.warehouse.migrations import split, text

ROUNDS = 32
"""Rounds of joining chains at most; each doubles the length that is joined."""

_CHANGED = """
SELECT count() FROM work_labels_next AS n INNER JOIN work_labels AS l ON n.leg = l.leg WHERE n.label != l.label
"""


def refresh(client: Any, terms: Terms) -> int:
    """Derive everything anew; returns the clock it holds for, microseconds (less than 0 where there is none)."""
    clock = clock_of(client)
    parameters = parameters_of(terms, clock)
    before, fixpoint, after = _parts()
    for statement in before:
        client.command(statement, parameters=parameters, settings=_PLAIN)
    for _ in range(ROUNDS):
        client.command(fixpoint)
        changed = client.query(_CHANGED).result_rows[0][0]
        client.command("EXCHANGE TABLES work_labels AND work_labels_next")
        if not changed:
            break
    for statement in after:
        client.command(statement, parameters=parameters, settings=_PLAIN)
    return clock.through


def clock_of(client: Any) -> Clock:
    """The clock that all partitions have reached, from the ticks as they were fed."""
    rows = client.query(
        "SELECT toUnixTimestamp64Micro(through), silent, behind,"
        " uniqExact(log_partition) OVER (PARTITION BY through) AS n,"
        " (SELECT uniqExact(log_partition) FROM ticks) AS parts FROM ticks ORDER BY through"
    ).result_rows
    clock = Clock()
    for through, silent, behind, count, parts in rows:
        if count == parts:
            clock.hear(Tick(through=through, silent=tuple(silent), behind=tuple(behind)))
    return clock


def parameters_of(terms: Terms, clock: Clock) -> dict[str, Any]:
    """What the script is told of terms and clock."""
    profile = terms.profile
    return {
        "report": _levels(profile.report),
        "stuck": _levels(profile.stuck),
        "unread": profile.unread.after * SECOND,
        "mailboxes": [_pattern(mailbox) for mailbox in profile.unread.mailboxes],
        "unless_declined": profile.report_when == "unless-declined",
        "refused_always": profile.refused == "always",
        "grace": profile.grace,
        "rules": sorted(terms.findings),
        "silences": [(since, min(until, _LAST)) for since, until in clock.silences()],
        "clock": max(clock.through, 0) / SECOND,
    }


_LAST = NEVER // 2
_PLAIN = {"prefer_column_name_to_alias": 1}  # a minimum of x may be called x


def _levels(seconds: Seconds) -> list[tuple[int, int]]:
    """Levels with their term in microseconds, highest first; the lowest also stands for all below it."""
    levels = sorted(((LEVELS[name], value * SECOND) for name, value in seconds.items()), reverse=True)
    return [*levels, (-128, levels[-1][1])] if levels else []


def _pattern(mailbox: str) -> str:
    """A shell pattern as the engine's regular expression."""
    return "^" + re.sub(r"^\(\?s:(.*)\)\\Z$", r"\1", translate(mailbox.lower())) + "$"


def _parts() -> tuple[list[str], str, list[str]]:
    script = text("refresh.sql")
    before, rest = script.split("-- @fixpoint\n")
    fixpoint, after = rest.split("-- @end\n")
    return split(before), split(fixpoint)[0], split(after)
