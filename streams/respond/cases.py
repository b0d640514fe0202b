"""Cases: one cause each, with the alerts it brings as members. Pure; the Faust agents around it are in workers.py.

Rules:
- An alert belongs to the case of its rule and its cause: what holds it up, in words that are the same for all that the
  cause holds up. An outage is one case a rule, not ten thousand.
- A case is opened by its first alert and closed when all are cleared; one that comes later opens it again, and nobody
  has seen that yet.
- Acknowledged means that a person has seen it; it does not close. Members are kept as the set of their ids, so that an
  alert that is told twice counts once.
"""

from hashlib import blake2b
from typing import Any

import msgspec

SAMPLE = 5
"""Message keys that a case shows."""


class Case(msgspec.Struct, kw_only=True):
    """One cause.

    Attributes:
        case_id: 16 bytes.
        cause: what holds its members up.
        opened_at: raised time of the earliest member, microseconds.
        closed_at: when the last was cleared; None while one stands.
        raised: ids of alerts that were raised.
        cleared: ids of those that were cleared, and when.
        severity: the highest of its members.
        acknowledged_by: who; "" for nobody.
        note: what was said then.
        sample: a few message keys.
    """

    case_id: bytes
    cause: str
    opened_at: int
    closed_at: int | None = None
    raised: set[bytes] = set()
    cleared: dict[bytes, int] = {}
    severity: str = "low"
    acknowledged_by: str = ""
    note: str = ""
    sample: list[str] = []

    @property
    def standing(self) -> int:
        """How many members are not cleared."""
        return len(self.raised - set(self.cleared))

    @property
    def state(self) -> str:
        """open, acknowledged or closed."""
        if not self.standing:
            return "closed"
        return "acknowledged" if self.acknowledged_by else "open"


def case_id(alert: dict[str, Any]) -> bytes:
    """The case that an alert belongs to."""
    cause = f"{alert['rule']}\0{alert['cause']}"
    return blake2b(cause.encode("utf-8", "replace"), digest_size=16).digest()


def take(case: Case | None, alert: dict[str, Any]) -> Case:
    """The case after an alert record; telling it again changes nothing.

    Args:
        case: as it was, or None.
        alert: a record of the alerts topic, times in microseconds.
    """
    case = case or Case(case_id=case_id(alert), cause=f"{alert['rule']}: {alert['cause']}", opened_at=alert["at"])
    if alert["state"] == "cleared":
        case.cleared[alert["alert_id"]] = alert["at"]
    else:
        closed = not case.standing
        case.raised.add(alert["alert_id"])
        if closed and case.standing:
            case.acknowledged_by = case.note = ""
        case.opened_at = min(case.opened_at, alert["at"])
        case.severity = "high" if "high" in {case.severity, alert["severity"]} else "low"
        if alert["message_key"] and alert["message_key"] not in case.sample and len(case.sample) < SAMPLE:
            case.sample.append(alert["message_key"])
    case.closed_at = None if case.standing else max(case.cleared.values(), default=None)
    return case


def acknowledge(case: Case, author: str, note: str) -> Case:
    """A person has seen it."""
    case.acknowledged_by, case.note = author, note
    return case


def record(case: Case) -> dict[str, Any]:
    """The case as a record of the cases topic."""
    return {
        "case_id": case.case_id,
        "cause": case.cause,
        "state": case.state,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "members": len(case.raised),
        "standing": case.standing,
        "severity": case.severity,
        "acknowledged_by": case.acknowledged_by,
        "note": case.note,
        "sample": case.sample,
    }
