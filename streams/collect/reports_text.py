"""What the fields of reports and receipts mean. Pure functions; foreign text never raises.

Sources: RFC 3464 2.1 to 2.3, RFC 3463, RFC 6533 3, RFC 8098 3.1, RFC 5322 3.3. Reports in the wild put brackets and
comments where none belong, or leave out the type.
"""

import re
import sys
from datetime import UTC
from email.utils import parsedate_to_datetime

from streams.core.moments import micros, moment_of

ADDRESS = 500
"""Characters of an address that are kept."""

_EARLIEST = 631_152_000_000_000
"""1990: what claims to be older is a clock that was never set."""

_DATE = 100
"""Characters that a date may have."""

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"\s*([245])(?=\d\d(?!\d)|\.\d{1,3}\.\d)")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_UTF8 = re.compile(r"\s*utf-8\s*;", re.IGNORECASE)
_X400 = re.compile(r"\s*x-?400\s*;", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_BRACKETED = re.compile(r"<([^<>]+)>")
_ACTIONS = {
    "failure": "failed",
    "fail": "failed",
    "expired": "failed",
    "delay": "delayed",
    "success": "delivered",
    "relay": "relayed",
}
"""What some write instead."""


def typed(value: str) -> str:
    """A value without its type (`rfc822;`, `dns;`, `smtp;`)."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and kind.strip().replace("-", "").isalnum() else value.strip()


def address(value: str) -> str:
    """An address without type, comment, name and brackets; one of type utf-8 without its escapes.

    An O/R address has no comments: `(a)` there stands for `@` (RFC 2156 3.4).
    """
    bare = typed(value[: ADDRESS * 2])
    bracketed = _BRACKETED.search(bare)
    if bracketed:
        bare = bracketed[1].strip()
    else:
        bare = (bare if bare.startswith('"') or _X400.match(value) else _COMMENT.sub(" ", bare)).strip("<> ")
    return (_ESCAPED.sub(_character, bare) if _UTF8.match(value) else bare)[:ADDRESS]


def _character(escape: re.Match[str]) -> str:
    """What an escape stands for (RFC 6533 3: EmbeddedUnicodeChar); one that no address may hold stays."""
    point = int(escape[1], 16)
    return chr(point) if point <= sys.maxunicode and chr(point).isprintable() else escape[0]


def word(value: str) -> str:
    """The first word, in lower case and without comments."""
    words = _COMMENT.sub(" ", value[:ADDRESS]).split()
    return words[0].lower().rstrip(";,.") if words else ""


def action(value: str, status: str | None) -> str:
    """The action of a recipient; where it is missing, a permanent failure still tells it."""
    told = word(value)
    if not told and status and status.startswith("5"):
        return "failed"
    return _ACTIONS.get(told, told)


def status(value: str) -> str | None:
    """An RFC 3463 status, or None."""
    found = _STATUS.search(value[:ADDRESS])
    return found[1] if found else None


def replied(value: str) -> str | None:
    """The status of a diagnostic that is an SMTP reply: the one it gives, else its class's (RFC 3463 3.1: X.0.0)."""
    kind, semicolon, rest = value.partition(";")
    reply = rest if semicolon and kind.strip().lower() == "smtp" else value
    code, told = _REPLY.match(reply), status(reply)
    if code is None:
        return None
    return told if told and told[0] == code[1] else f"{code[1]}.0.0"


def only_id(value: str) -> str:
    """The one Message-ID of an In-Reply-To or References field; "" where it names none or several."""
    found = _BRACKETED.findall(value[: ADDRESS * 2])
    return f"<{found[0]}>" if len(found) == 1 else ""


def moment(text: str) -> int | None:
    """An RFC 5322 date as microseconds UTC; None where it is none, or none that a report can have."""
    try:
        parsed = moment_of(text.strip()[:_DATE], parsedate_to_datetime)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        at = micros(parsed)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at >= _EARLIEST else None
