"""What the derivation in SQL is told of a profile of terms: the document that the core reads, as parameters.

Rules:
- A rule is a tuple (traffic, originator domain, recipient domain, has report terms, report terms, has stuck terms,
  stuck terms, grade); patterns are regular expressions, "" matches all. The last rule that matches and has terms wins.
- Watched mailboxes are tuples (pattern, microseconds), the last that matches wins; -1: not watched.
- Terms are (level, microseconds), highest level first; a last one stands for every level below the lowest named.
"""

import fnmatch
import re
from typing import Any

from streams.core.terms import SECOND, Rule, Seconds, Terms, levels

TYPE = (
    "Array(Tuple(String, String, String, UInt8, Array(Tuple(Int32, Int64)), UInt8, Array(Tuple(Int32, Int64)), String))"
)
"""The engine's type of the rules."""

_LOWEST = -128


def parameters(terms: Terms) -> dict[str, Any]:
    """What fixes due times."""
    profile = terms.profile
    first = ("", "", "", 1, _levels(profile.report), 1, _levels(profile.stuck), "")
    more = [_rule(rule) for rule in profile.rules]
    return {
        "owed": [first, *more],
        "bulk": [pattern(bulk) or ".*" for bulk in profile.bulk_patterns()],
        "unless_declined": profile.report_when == "unless-declined",
        "watched": [("", -1), *((pattern(one), _micros(after)) for one, after in profile.unread.terms())],
    }


def _rule(rule: Rule) -> tuple[Any, ...]:
    traffic, grade, originator, recipient = map(pattern, rule.patterns())
    report, stuck = (int(one is not None) for one in (rule.report, rule.stuck))
    return (
        traffic,
        originator,
        recipient,
        report,
        _levels(rule.report or {}),
        stuck,
        _levels(rule.stuck or {}),
        grade,
    )


def pattern(shell: str) -> str:
    """A shell pattern as a regular expression of RE2 (Python's own translation is not); "" for one that matches all."""
    if shell == "*":
        return ""
    return "(?s)^" + "".join(_piece(piece) for piece in _PIECES.findall(shell)) + "$"


_PIECES = re.compile(r"\[!?+\]?+[^\]]*\]|.", re.DOTALL)
_CLASS = re.compile(r"\(\?s:\[(.*)\]\)\\[Zz]", re.DOTALL)
_ESCAPED = re.compile(r"(\\.)|\[", re.DOTALL)
_NOTHING = r"[^\s\S]"


def _piece(piece: str) -> str:
    if len(piece) > 1:
        return _class(piece)
    return {"*": ".*", "?": "."}.get(piece, re.escape(piece))


def _class(piece: str) -> str:
    """Python's own words for a class of characters; RE2 reads all but an empty one alike, and a bracket in it."""
    said = fnmatch.translate(piece)
    if said == fnmatch.translate("?"):
        return "."
    found = _CLASS.fullmatch(said)
    return "[" + _ESCAPED.sub(lambda one: one[1] or r"\[", found[1]) + "]" if found else _NOTHING


def _levels(seconds: Seconds) -> list[tuple[int, int]]:
    known = [(level, value * SECOND) for level, value in reversed(levels(seconds))]
    return [*known, (_LOWEST, known[-1][1])] if known else []


def _micros(seconds: int | None) -> int:
    return -1 if seconds is None else seconds * SECOND
