"""What a profile of terms may not say: what can never match, or would change nothing.

Rules:
- Whoever wrote it meant something else, so it is refused with its place. What can match is never refused.
- Two names of one level in one table are refused: the evidence has the number, so one of two terms would never hold.
- What changes less than its author may think is a doubt: it is told, and not refused.
"""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import product

from streams.core.errors import Misuse
from streams.core.events import Traffic
from streams.core.terms import LEVELS, Profile, Rule, Seconds, all_seconds

_CLASSES = [traffic.value for traffic in Traffic]
_REPORTED = ["ours"]
_STAYING = [name for name in _CLASSES if name not in {"system", "probe"}]

_SETS = re.compile(r"\[!?\]?[^\]]*\]")
_PIECES = re.compile(rf"{_SETS.pattern}|.", re.DOTALL)
"""What a pattern is made of: a set of characters, or one."""

_NO_DOMAIN = re.compile(r"[\s,;<>()]")
_DIGIT = "0123456789"
_NUMBERS = [[_DIGIT] * length for length in (1, 2, 3)]
_STATUSES = [["245", ".", *subject, ".", *detail] for subject, detail in product(_NUMBERS, _NUMBERS)]
"""Statuses of RFC 3463 section 2, by the characters that may stand at each place."""

_REASONS = [[*reason, "/", *diagnostic] for reason, diagnostic in product(_NUMBERS[:2], _NUMBERS[:3])]
"""The same of X.411, reason/diagnostic."""


def check(profile: Profile) -> None:
    """Refuse what is meaningless.

    Raises:
        Misuse: with the place and what is wrong.
    """
    if not profile.findings:
        raise Misuse("terms: findings: names none, so nothing would be found", hint="without the key: all of them")
    for where, seconds in all_seconds(profile):
        _check_levels(where, seconds)
    for number, rule in enumerate(profile.rules):
        _check_rule(f"rules[{number}]", rule)
    for number, one in enumerate(profile.bulk):
        _check_originator(f"bulk[{number}]", one)
    for number, one in enumerate(profile.refused_correctly):
        _check_status(f"refused_correctly[{number}]", one)
    for where, one in _mailboxes(profile):
        _check_mailbox(where, one)


def doubts(profile: Profile) -> Iterator[str]:
    """What its author may have meant otherwise, a sentence each."""
    watched = any(after is not None for _, after in profile.unread.terms())
    if watched and not {"unread", "not-read"} & set(profile.findings):
        yield "unread: findings has neither unread nor not-read: what lies in these mailboxes is only counted"


def _mailboxes(profile: Profile) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(profile.unread.mailboxes):
        yield f"unread.mailboxes[{number}]", one
    for number, rule in enumerate(profile.unread.rules):
        yield f"unread.rules[{number}].mailbox", rule.mailbox


def _check_levels(where: str, seconds: Seconds) -> None:
    first: dict[int, str] = {}
    for name in seconds:
        other = first.setdefault(LEVELS[name], name)
        if other != name:
            raise Misuse(f"terms: {where}: {other!r} and {name!r} are one priority", hint="keep one of them")


def _check_rule(where: str, rule: Rule) -> None:
    if rule.report is None and rule.stuck is None:
        raise Misuse(f"terms: {where}: says neither report nor stuck", hint="an empty table takes the terms away")
    for name in ("originator_domain", "recipient_domain"):
        _check_domain(f"{where}.{name}", getattr(rule, name))
    if not _speaks_of(rule, _CLASSES):
        raise Misuse(f"terms: {where}.traffic: no class is {rule.traffic!r}", hint=f"classes: {', '.join(_CLASSES)}")
    if rule.report is not None and not _speaks_of(rule, _REPORTED):
        raise Misuse(f"terms: {where}.report: only traffic 'ours' owes a report, not {rule.traffic!r}")
    if rule.stuck is not None and not _speaks_of(rule, _STAYING):
        raise Misuse(f"terms: {where}.stuck: traffic {rule.traffic!r} owes nothing in a queue")


def _speaks_of(rule: Rule, classes: Iterable[str]) -> bool:
    return any(fnmatchcase(one, rule.patterns()[0]) for one in classes)


def _check_domain(where: str, pattern: str) -> None:
    if "@" in pattern:
        raise Misuse(f"terms: {where}: {pattern!r} is an address, not a domain")
    if _NO_DOMAIN.search(_SETS.sub("", pattern)):
        raise Misuse(f"terms: {where}: no domain is {pattern!r}", hint="one pattern, as in *.mil.test; a rule for each")


def _check_originator(where: str, pattern: str) -> None:
    if pattern and not _has_any("@", pattern):
        raise Misuse(f"terms: {where}: {pattern!r} is no address", hint="as in news@dest.test or *@lists.test")


def _check_status(where: str, pattern: str) -> None:
    if not any(_can_match(pattern, status) for status in (*_STATUSES, *_REASONS)):
        raise Misuse(f"terms: {where}: no status is {pattern!r}", hint="as in 5.1.1 or *.7.*, or X.411's 1/0")


def _check_mailbox(where: str, pattern: str) -> None:
    if not _has_any("/", pattern):
        raise Misuse(f"terms: {where}: {pattern!r} names no mailbox", hint="user/mailbox, as in carol@dest.test/INBOX")


def _has_any(character: str, pattern: str) -> bool:
    """Can a text that a pattern matches have that character."""
    return any(piece == "*" or fnmatchcase(character, piece) for piece in _PIECES.findall(pattern))


def _can_match(pattern: str, shape: list[str]) -> bool:
    """Can a pattern match a text that has, at each place, one of the characters there."""
    reached = {0}
    for piece in _PIECES.findall(pattern):
        if piece == "*":
            reached = set(range(min(reached, default=len(shape) + 1), len(shape) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(shape) and any(fnmatchcase(c, piece) for c in shape[at])}
    return len(shape) in reached
