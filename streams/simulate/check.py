"""What Custody found against the truth: by fault, what was due, what was found and when, what was false.

Rules:
- A finding is found if an alert of its name was raised, at the time at which it was due.
- An alert that is not due is false, unless later evidence took it away and the log says so (`withdrawn`): such is what
  could be known then.
- An explanation is wrong if the cause that the alert names is not the fault that was planted.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from streams.simulate.dossier import NEVER
from streams.simulate.faults import FAULTS
from streams.simulate.letters import MAIL
from streams.simulate.stage import Played
from streams.simulate.truth import Due, Name

ORDINARY = "(no fault)"


@dataclass(slots=True, kw_only=True)
class Seen:
    """One alert as it was told.

    Attributes:
        raised: when it was raised.
        told: the clock when it was told.
        cleared: when it was cleared, or NEVER.
        withdrawn: later evidence took it away.
        cause: in words.
    """

    raised: int
    told: int
    cause: str
    cleared: int = NEVER
    withdrawn: bool = False


@dataclass(slots=True, kw_only=True)
class Row:
    """One fault in the table.

    Attributes:
        planted: how often it was.
        due: findings that it brings about.
        found: of these, were found.
        missing: of these, were not.
        off: found, at another time than was due.
        lateness: microseconds from when each could be known until it was told.
        wrong: explained by another cause.
        false: alerts that are not due.
    """

    planted: int = 0
    due: int = 0
    found: int = 0
    missing: list[Due] = field(default_factory=list)
    off: list[tuple[Due, Seen]] = field(default_factory=list)
    lateness: list[int] = field(default_factory=list)
    wrong: list[tuple[Due, Seen]] = field(default_factory=list)
    false: list[tuple[Name, Seen]] = field(default_factory=list)

    @property
    def p50(self) -> int | None:
        """Of lateness."""
        return int(median(self.lateness)) if self.lateness else None

    @property
    def latest(self) -> int | None:
        """The greatest lateness."""
        return max(self.lateness, default=None)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The whole comparison.

    Attributes:
        rows: by fault.
        withdrawn: alerts that were taken back by later evidence.
    """

    rows: dict[str, Row]
    withdrawn: int

    @property
    def holds(self) -> bool:
        """Is nothing missing, false or wrong."""
        return not any(row.missing or row.off or row.wrong or row.false for row in self.rows.values())


def seen(alerts: Iterable[dict[str, Any]]) -> dict[Name, Seen]:
    """Alerts by their name; of those that share it (two reports of one message) the first that stands."""
    named: dict[Name, list[Seen]] = defaultdict(list)
    told: dict[bytes, Seen] = {}
    for alert in alerts:
        if alert["state"] == "raised":
            one = told[alert["alert_id"]] = Seen(raised=alert["at"], told=alert["clock"], cause=alert["cause"])
            named[name_of(alert)].append(one)
        elif alert["alert_id"] in told:
            one = told[alert["alert_id"]]
            one.cleared, one.withdrawn = alert["at"], "withdrawn" in alert.get("attributes", ())
    return {name: min(some, key=lambda one: (one.withdrawn, one.raised)) for name, some in named.items()}


def name_of(alert: dict[str, Any]) -> Name:
    """What an alert is about, as the truth names it."""
    match alert["rule"]:
        case "source-silent" | "source-behind" | "source-doubted" as rule:
            return rule, alert["host"], str(alert["at"]), ""
        case "uncorroborated-report" as rule:
            key = alert["message_key"]
            return rule, "", "" if key.startswith("/") else key, ""  # without a Message-ID every host has its own key
        case rule:
            return rule, alert["host"], alert["queue_id"], alert["recipient"]


def planted(played: Played) -> dict[str, int]:
    """How often each fault was planted; of twins the pair counts once."""
    places = Counter(fault for fault, *_ in played.planted)
    return dict(Counter(one.fault for one in played.tickets if one.kind == MAIL and one.fault in FAULTS) + places)


def compare(
    due: dict[Name, Due], found: dict[Name, Seen], planted_: dict[str, int], blame: Callable[[Name], str]
) -> Verdict:
    """Compare what is due with what was found.

    Args:
        due: by the truth.
        found: by Custody.
        planted_: how often each fault was.
        blame: the fault that came in the way of what a name is about, or "".
    """
    rows: dict[str, Row] = defaultdict(Row)
    for fault, count in planted_.items():
        rows[fault].planted = count
    for name, one in due.items():
        _judge(rows[one.fault or ORDINARY], one, found.get(name))
    withdrawn = 0
    for name, seen_ in found.items():
        if name not in due and seen_.withdrawn:
            withdrawn += 1
        elif name not in due:
            rows[blame(name) or ORDINARY].false.append((name, seen_))
    order = [*FAULTS, ORDINARY]
    return Verdict(rows=dict(sorted(rows.items(), key=lambda row: order.index(row[0]))), withdrawn=withdrawn)


def _judge(row: Row, one: Due, alert: Seen | None) -> None:
    row.due += 1
    if alert is None or alert.withdrawn:
        row.missing.append(one)
        return
    row.found += 1
    row.lateness.append(alert.told - alert.raised)
    if alert.raised != one.raised:
        row.off.append((one, alert))
    if one.cause and not re.fullmatch(one.cause, alert.cause):
        row.wrong.append((one, alert))
