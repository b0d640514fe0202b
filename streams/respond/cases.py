"""Cases: one cause each, with the alerts it brings as members. The Faust agents around it are in workers.py.

Rules:
- An alert belongs to the case of its rule and its cause when it was raised: what held it up, in words that are the same
  for all that the cause holds up. An outage is one case a rule, not ten thousand. Whatever its later records say held
  it up, it stays there: by then a message has gone on.
- A case is opened by its first alert and closed when all are cleared; one that comes later opens it again, and nobody
  has seen that yet. Since when, and of how many, is said of the last time that it stood (lives.py), not before.
- No I/O and no clock. A case is changed where it stands, and given back; what is filed of an alert is made anew.
- Acknowledged means that a person has seen it; it does not close. Members are known by their ids, so that an alert that
  is told twice, or cleared before it is heard of, counts once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from streams.core.events import WITHDRAWN
from streams.respond.lives import Life, Lives, Span

SAMPLE = 5
"""Message keys that a case shows."""


class Member(msgspec.Struct, frozen=True, array_like=True):
    """What is known of an alert.

    Attributes:
        case_id: where it was filed when it was raised; b"" before.
        raised_at: microseconds; None before.
        cleared_at: microseconds; None while it stands.
        withdrawn: cleared because it was taken back; raised after that, it stands.
    """

    case_id: bytes = b""
    raised_at: int | None = None
    cleared_at: int | None = None
    withdrawn: bool = False

    def is_over(self, at: int) -> bool:
        """Was it cleared before some time."""
        return self.cleared_at is not None and self.cleared_at < at


class Cover(msgspec.Struct):
    """What stands on the front of a case.

    Attributes:
        cause: rule, and what holds its members up.
        severity: the highest of its members.
        acknowledged_by: who; "" for nobody.
        note: what was said then.
        sample: a few message keys.
    """

    cause: str
    severity: str = "low"
    acknowledged_by: str = ""
    note: str = ""
    sample: list[str] = []


@dataclass(slots=True)
class Case:
    """One cause.

    Attributes:
        case_id: 16 bytes.
        cover: what is said of it as a whole.
        members: its alerts by their ids, those of its former lives too.
    """

    case_id: bytes
    cover: Cover
    members: dict[bytes, Member] = field(default_factory=dict)
    _lives: Lives | None = None

    @property
    def state(self) -> str:
        """open, acknowledged or closed."""
        if not self.standing:
            return "closed"
        return "acknowledged" if self.cover.acknowledged_by else "open"

    @property
    def standing(self) -> int:
        """How many members are not cleared."""
        return self._counted().standing

    @property
    def life(self) -> Life | None:
        """The last time that it stood; None without members."""
        return self._counted().last()

    def enter(self, alert_id: bytes, member: Member) -> None:
        """Count a member that was filed here; again changes nothing."""
        if self.members.get(alert_id) != member:
            self.leave(alert_id)
            self.members[alert_id] = member
            if self._lives:
                self._lives.add(*_span(member))

    def leave(self, alert_id: bytes) -> None:
        """Count a member no more."""
        member = self.members.pop(alert_id, None)
        if self._lives and member:
            self._lives.remove(*_span(member))

    def _counted(self) -> Lives:
        """Its lives, counted when they are wanted."""
        if self._lives is None:
            self._lives = Lives(map(_span, self.members.values()))
        return self._lives


def _span(member: Member) -> Span:
    """When it stood: who is of a case was raised."""
    return member.raised_at or 0, member.cleared_at


def case_id(alert: dict[str, Any]) -> bytes:
    """The case that an alert belongs to."""
    cause = f"{alert['rule']}\0{alert['cause']}"
    return blake2b(cause.encode("utf-8", "replace"), digest_size=16).digest()


def filed(member: Member, alert: dict[str, Any]) -> Member:
    """What is known of an alert after a record of it.

    Args:
        member: what was known.
        alert: a record of the alerts topic, times in microseconds.
    """
    if alert["state"] == "cleared":
        withdrawn = WITHDRAWN in alert.get("attributes", ())
        return msgspec.structs.replace(member, cleared_at=alert["at"], withdrawn=withdrawn)
    where, cleared = member.case_id or case_id(alert), None if member.withdrawn else member.cleared_at
    return Member(case_id=where, raised_at=alert["at"], cleared_at=cleared)


def take(case: Case | None, member: Member, alert: dict[str, Any]) -> Case:
    """The case after a record of one of its alerts; telling it again changes nothing.

    Args:
        case: as it was, or None.
        member: as it is filed after the record.
        alert: the record.
    """
    case = case or Case(member.case_id, Cover(f"{alert['rule']}: {alert['cause']}"))
    cover, closed = case.cover, not case.standing
    case.enter(alert["alert_id"], member)
    if closed and case.standing:
        cover.acknowledged_by = cover.note = ""
    cover.severity = "high" if "high" in {cover.severity, alert["severity"]} else "low"
    if alert["message_key"] and alert["message_key"] not in cover.sample and len(cover.sample) < SAMPLE:
        cover.sample.append(alert["message_key"])
    return case


def brought_by(alerts: Iterable[dict[str, Any]]) -> dict[bytes, Case]:
    """The cases that some records of alerts make, by their ids."""
    members: dict[bytes, Member] = {}
    made: dict[bytes, Case] = {}
    for alert in alerts:
        name = alert["alert_id"]
        members[name] = member = filed(members.get(name, Member()), alert)
        if member.case_id:
            made[member.case_id] = take(made.get(member.case_id), member, alert)
    return made


def acknowledge(case: Case, author: str, note: str) -> Case:
    """A person has seen it."""
    case.cover.acknowledged_by, case.cover.note = author, note
    return case


def record(case: Case) -> dict[str, Any]:
    """The case, which has members, as a record of the cases topic."""
    life = case.life
    return {
        "case_id": case.case_id,
        "cause": case.cover.cause,
        "state": case.state,
        "opened_at": life.since if life else None,
        "closed_at": life.until if life else None,
        "members": life.members if life else 0,
        "standing": case.standing,
        "severity": case.cover.severity,
        "acknowledged_by": case.cover.acknowledged_by,
        "note": case.cover.note,
        "sample": case.cover.sample,
    }
