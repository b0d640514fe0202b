"""What is owed, and by when: a profile of terms, parsed from TOML.

Rules:
- A term is a number of seconds, chosen by priority: the level named or the nearest below it (RFC 6710 numbers; STANAG
  4406 and X.411 names).
- The last rule that matches wins; a rule matches by originator domain, recipient domain and traffic.
- Only traffic `ours` owes a report or a read. Reports, receipts, inbound, transit and bulk can only be stuck; system
  and probe owe nothing.
- The version of terms is the hash of what they say, so that an alarm can name the terms it was decided by.
"""

from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec

from streams.core.errors import Misuse
from streams.core.events import Traffic

SECOND = 1_000_000
"""Microseconds."""

LEVELS = {
    "override": 6,
    "flash": 4,
    "urgent": 4,
    "immediate": 2,
    "normal": 0,
    "priority": 0,
    "routine": -2,
    "non-urgent": -4,
    "deferred": -4,
}
"""Names of priorities: RFC 6710 section 4 and its STANAG 4406 and MIXER assignment policies."""

FINDINGS = (
    "overdue",
    "unread",
    "not-read",
    "stuck",
    "refused",
    "deleted",
    "unaccounted",
    "misrouted",
    "duplicate",
    "identity-reused",
    "uncorroborated-report",
    "source-silent",
    "source-behind",
)
"""Every rule there is; `blind` is what overdue says when a needed source was silent."""

Span = Annotated[int, msgspec.Meta(ge=0, le=100 * 366 * 86_400)]
"""Seconds, a hundred years at most: what is due is a time that can be told."""

Seconds = dict[str, Span]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other terms for some messages; patterns as in shells, of lower-case domains."""

    originator_domain: str = "*"
    recipient_domain: str = "*"
    traffic: str = "*"
    report: Seconds | None = None
    stuck: Seconds | None = None


class Unread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mailboxes whose reads are watched, and for how long a copy may lie unread."""

    after: Span = 4 * 3600
    mailboxes: tuple[str, ...] = ()


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile of terms as its TOML file says it.

    Attributes:
        name: of the profile.
        findings: the rules that raise alarms.
        report: seconds until a report is due, by priority.
        report_when: "requested" where the evidence says so, "unless-declined" where it does not say no.
        grace: seconds that a report may be late before it is called overdue.
        stuck: seconds that a stay in one queue may last, by priority.
        unread: watched mailboxes.
        refused: "always", or "untold" where the originator was not told within `told_within` seconds.
        told_within: see above.
        unaccounted_after: seconds after a hand-over by which the next declared host must have said so.
        bulk: patterns of originators whose messages owe no report.
        rules: other terms for some messages.
    """

    name: str
    findings: tuple[str, ...] = FINDINGS
    report: Seconds
    report_when: Literal["requested", "unless-declined"] = "unless-declined"
    grace: Span = 0
    stuck: Seconds
    unread: Unread = Unread()
    refused: Literal["always", "untold"] = "always"
    told_within: Span = 300
    unaccounted_after: Span = 300
    bulk: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What one submission or arrival is owed; microseconds, None where nothing is."""

    traffic: Traffic
    report: int | None
    stuck: int | None


class Terms:
    """A checked profile that answers what is owed.

    Attributes:
        profile: what the file says.
        version: hash of it, 12 hexadecimal digits.
    """

    def __init__(self, profile: Profile) -> None:
        """Check a profile.

        Raises:
            Misuse: a finding or a priority has an unknown name.
        """
        self.profile = profile
        self.version = blake2b(msgspec.json.encode(profile), digest_size=6).hexdigest()
        self.findings = frozenset(profile.findings)
        _check_names("findings", profile.findings, FINDINGS)
        for where, seconds in _all_seconds(profile):
            _check_names(where, seconds, LEVELS)
        self.owed = lru_cache(maxsize=65536)(self._owed)

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "Terms":
        """Terms from a parsed TOML document.

        Raises:
            Misuse: with the place and what is wrong.
        """
        try:
            return cls(msgspec.convert(document, Profile))
        except msgspec.ValidationError as error:
            raise Misuse(f"terms: {error}") from error

    def _owed(self, traffic: Traffic, priority: int, originator: str, recipient: str) -> Owed:
        """What a submission or arrival is owed; see `Owed`."""
        traffic = self._traffic(traffic, originator)
        report, stuck = self._seconds(traffic, domain_of(originator), domain_of(recipient))
        return Owed(
            traffic=traffic,
            report=_pick(report, priority) if traffic is Traffic.OURS else None,
            stuck=_pick(stuck, priority) if traffic not in {Traffic.SYSTEM, Traffic.PROBE} else None,
        )

    def _traffic(self, traffic: Traffic, originator: str) -> Traffic:
        if traffic is Traffic.OURS and any(fnmatchcase(originator.lower(), p) for p in self.profile.bulk):
            return Traffic.BULK
        return traffic

    def _seconds(self, traffic: Traffic, originator: str, recipient: str) -> tuple[Seconds, Seconds]:
        report, stuck = self.profile.report, self.profile.stuck
        for rule in self.profile.rules:
            if _matches(rule, traffic, originator, recipient):
                report = rule.report if rule.report is not None else report
                stuck = rule.stuck if rule.stuck is not None else stuck
        return report, stuck

    def unread_after(self, user: str, mailbox: str) -> int | None:
        """Microseconds that a copy may lie unread, or None where the mailbox is not watched."""
        name = f"{user}/{mailbox}".lower()
        watched = any(fnmatchcase(name, pattern.lower()) for pattern in self.profile.unread.mailboxes)
        return self.profile.unread.after * SECOND if watched else None


def domain_of(address: str) -> str:
    """The domain of an address in lower case; "" where it has none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def _matches(rule: Rule, traffic: Traffic, originator: str, recipient: str) -> bool:
    return (
        fnmatchcase(traffic.value, rule.traffic)
        and fnmatchcase(originator, rule.originator_domain.lower())
        and fnmatchcase(recipient, rule.recipient_domain.lower())
    )


def _pick(seconds: Seconds, priority: int) -> int | None:
    """The term of the highest level not above a priority, else of the lowest level there is."""
    if not seconds:
        return None
    levels = sorted((LEVELS[name], value) for name, value in seconds.items())
    below = [value for level, value in levels if level <= priority]
    return (below[-1] if below else levels[0][1]) * SECOND


def _all_seconds(profile: Profile) -> list[tuple[str, Seconds]]:
    named = [("report", profile.report), ("stuck", profile.stuck)]
    for number, rule in enumerate(profile.rules):
        named += [(f"rules[{number}].report", rule.report or {}), (f"rules[{number}].stuck", rule.stuck or {})]
    return named


def _check_names(where: str, names: Any, allowed: Any) -> None:
    for name in names:
        if name not in allowed:
            raise Misuse(f"terms: {where}: unknown name {name!r}", hint=f"Known: {', '.join(allowed)}")
