"""What is owed, and by when: a profile of terms, parsed from TOML.

Rules:
- A term is a number of seconds, chosen by priority: the level named or the nearest below it (RFC 6710 numbers; STANAG
  4406 and X.411 names). Names of one level are one priority: of two the least term holds.
- Patterns match in any case of letters. A profile keeps them as they were written, and gives them in lower case.
- The last rule that matches wins; a rule matches by class (`traffic`), grade, originator domain and recipient domain. A
  message's grade is the attribute `grade=` of its submission or arrival; where the evidence says none, it is "".
- A copy may lie unread as long as the last mailbox rule that matches says, else as long as all watched mailboxes may.
- Only traffic `ours` owes a report. Reports, receipts, inbound, transit and bulk can only be stuck; system and probe
  owe nothing in a queue. A read is owed by whatever lies in a watched mailbox, whoever sent it.
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
"""Names of priorities: RFC 6710 section 4 and its STANAG 4406 and MIXER assignment policies. Two of one level look
alike in the evidence, which has the number."""

LATE = ("overdue", "blind", "clock-doubt")
"""What a report that is late is called: `overdue` is the name of all three where terms switch findings on."""

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
    "source-doubted",
)
"""Every rule there is; overdue says `blind` if a source was silent, and `clock-doubt` if one's clock was wrong."""

SETTLED = ("unread", "not-read", "refused", "unaccounted", "misrouted", "duplicate", "identity-reused")
"""Rules whose findings of a unit a discharge clears."""

DISCHARGED = (*LATE, "deleted", *SETTLED)
"""These, and those to whom it is one of several proofs: no other rule's findings are cleared by a discharge."""

Span = Annotated[int, msgspec.Meta(ge=0, le=100 * 366 * 86_400)]
"""Seconds, a hundred years at most: what is due is a time that can be told."""

Seconds = dict[str, Span]


_RIGHT = ("*.1.*", "*.2.1", "*.7.*")
"""RFC 3463: the address, a mailbox switched off, a policy."""

_RIGHT_X411 = ("5/*", "8/*", "*/[01]", "*/2[689]", "*/3[2-9]", "*/4[0-6]", "*/5[1-9]", "*/6?", "*/7[0-8]")
"""X.411's reasons restricted-delivery and transfer-failure-for-security-reason; its diagnostics of an O/R name (0, 1),
of what the originator forbade or may not do (26, 28, 29), of a postal address (32 to 45), security (46, 51-78)."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other terms for some messages; patterns as in shells."""

    originator_domain: str = "*"
    recipient_domain: str = "*"
    traffic: str = "*"
    grade: str = "*"
    report: Seconds | None = None
    stuck: Seconds | None = None

    def patterns(self) -> tuple[str, str, str, str]:
        """What it asks for, in lower case: class, grade, originator domain, recipient domain."""
        return (
            self.traffic.lower(),
            self.grade.lower(),
            self.originator_domain.lower(),
            self.recipient_domain.lower(),
        )


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another term for some mailboxes; without `after` they are not watched."""

    mailbox: str
    after: Span | None = None


class Unread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mailboxes whose reads are watched (patterns of user/mailbox), and for how long a copy may lie unread."""

    after: Span = 4 * 3600
    mailboxes: tuple[str, ...] = ()
    rules: tuple[Mailbox, ...] = ()

    def terms(self) -> tuple[tuple[str, int | None], ...]:
        """Patterns of mailboxes in lower case, with seconds or None (not watched); the last that matches wins."""
        said = (*((one, self.after) for one in self.mailboxes), *((one.mailbox, one.after) for one in self.rules))
        return tuple((pattern.lower(), after) for pattern, after in said)


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile of terms as its TOML file says it.

    Attributes:
        name: of the profile.
        findings: the rules that raise alarms.
        report: seconds until a report is due, by priority.
        report_when: "requested" where the evidence says so, "unless-declined" where it does not say no.
        grace: seconds after a report was due until it is told that it is overdue, or was.
        stuck: seconds that a stay in one queue may last, by priority.
        unread: watched mailboxes.
        refused: "always", or "untold" where the originator was not told within `told_within` seconds.
        told_within: see above.
        refused_correctly: patterns of statuses (RFC 3463, or X.411's reason/diagnostic) with which a refusal is right:
            the recipient's or a policy's cause.
        unaccounted_after: seconds after a hand-over by which the next declared host must have said so, or, where it was
            for another recipient, by which some system must have said that it was redirected.
        linger: seconds after the last that was heard of a settled message until it closes.
        horizon: the same for a message that is never settled.
        clock_doubt: seconds by which the clock of a source's lines, read as they are written, may differ from ours.
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
    refused_correctly: tuple[str, ...] = (*_RIGHT, *_RIGHT_X411)
    unaccounted_after: Span = 300
    clock_doubt: Span = 60
    linger: Span = 3 * 86_400
    horizon: Span = 90 * 86_400
    bulk: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def bulk_patterns(self) -> tuple[str, ...]:
        """The same as `bulk`, in lower case."""
        return tuple(pattern.lower() for pattern in self.bulk)


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What one submission or arrival is owed; microseconds, None where nothing is."""

    traffic: Traffic
    report: int | None
    stuck: int | None


class Terms:
    """A profile that answers what is owed.

    Attributes:
        profile: what the file says.
        version: hash of it, 12 hexadecimal digits.
        findings: names of those that are told.
        by_grade: does any rule ask for a message's grade.
        by_party: does anything ask for its originator or recipient.
        owed: what a submission or arrival is owed, by its class, priority, originator, recipient and grade; remembered.
    """

    def __init__(self, profile: Profile) -> None:
        """Read a profile; whether it says what its author means is asked by `scrutiny`.

        Raises:
            Misuse: a finding or a priority has an unknown name, or a message would close before it is found.
        """
        self.profile = profile
        self.version = blake2b(msgspec.json.encode(profile), digest_size=6).hexdigest()
        self.findings = frozenset(profile.findings)
        _check_names("findings", profile.findings, FINDINGS)
        for where, seconds in all_seconds(profile):
            _check_names(where, seconds, LEVELS)
        self.by_grade = any(rule.grade != "*" for rule in profile.rules)
        domains = (domain for rule in profile.rules for domain in (rule.originator_domain, rule.recipient_domain))
        self.by_party = bool(profile.bulk) or any(domain != "*" for domain in domains)
        if not max(profile.told_within, profile.unaccounted_after) <= profile.linger <= profile.horizon:
            raise Misuse("terms: linger is at least told_within and unaccounted_after, and at most horizon")
        self.owed = lru_cache(maxsize=65536)(self._owed)

    def __reduce__(self) -> tuple[type["Terms"], tuple[Profile]]:
        """What it remembers is left behind: another process reads the profile again."""
        return Terms, (self.profile,)

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

    def _owed(self, traffic: Traffic, priority: int, originator: str, recipient: str, grade: str = "") -> Owed:
        """What a submission or arrival is owed; see `Owed`."""
        traffic = self._traffic(traffic, originator)
        said = (traffic.value, grade.lower(), domain_of(originator), domain_of(recipient))
        report, stuck = self._seconds(said)
        return Owed(
            traffic=traffic,
            report=_pick(report, priority) if traffic is Traffic.OURS else None,
            stuck=_pick(stuck, priority) if traffic not in {Traffic.SYSTEM, Traffic.PROBE} else None,
        )

    def _traffic(self, traffic: Traffic, originator: str) -> Traffic:
        if traffic is Traffic.OURS and any(fnmatchcase(originator.lower(), p) for p in self.profile.bulk_patterns()):
            return Traffic.BULK
        return traffic

    def _seconds(self, said: tuple[str, ...]) -> tuple[Seconds, Seconds]:
        report, stuck = self.profile.report, self.profile.stuck
        for rule in self.profile.rules:
            if all(map(fnmatchcase, said, rule.patterns())):
                report = rule.report if rule.report is not None else report
                stuck = rule.stuck if rule.stuck is not None else stuck
        return report, stuck

    def unread_after(self, user: str, mailbox: str) -> int | None:
        """Microseconds that a copy may lie unread, or None where the mailbox is not watched."""
        name = f"{user}/{mailbox}".lower()
        after = [seconds for pattern, seconds in self.profile.unread.terms() if fnmatchcase(name, pattern)]
        return after[-1] * SECOND if after and after[-1] is not None else None


def domain_of(address: str) -> str:
    """The domain of an address in lower case; "" where it has none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def levels(seconds: Seconds) -> list[tuple[int, int]]:
    """Levels with their seconds, the lowest level first; the least where several names are of one level."""
    least_last = sorted(((LEVELS[name], value) for name, value in seconds.items()), reverse=True)
    return sorted(dict(least_last).items())


def all_seconds(profile: Profile) -> list[tuple[str, Seconds]]:
    """Every table of terms, with its place."""
    named = [("report", profile.report), ("stuck", profile.stuck)]
    for number, rule in enumerate(profile.rules):
        named += [(f"rules[{number}].report", rule.report or {}), (f"rules[{number}].stuck", rule.stuck or {})]
    return named


def _pick(seconds: Seconds, priority: int) -> int | None:
    """The term of the highest level not above a priority, else of the lowest level there is."""
    if not seconds:
        return None
    known = levels(seconds)
    below = [value for level, value in known if level <= priority]
    return (below[-1] if below else known[0][1]) * SECOND


def _check_names(where: str, names: Any, allowed: Any) -> None:
    for name in names:
        if name not in allowed:
            raise Misuse(f"terms: {where}: unknown name {name!r}", hint=f"Known: {', '.join(allowed)}")
