"""What a person names, as copied from a log, a mail or a screen.

Rules:
- What a log puts around an id or an address is no part of it: `to=<…>,`, `message-id=<…>`, `4jYMZL52lmz1TCJ3:`, blanks,
  and the `…` of a screen that cut it. What stands within `<>` is.
- What is left must name something: the empty text would be said of all that has no name. It is hardly longer than an
  address may be, so that it fits a question.
- Ids of our own (of an alert, a unit or a case, as lists and their JSON have them) are hexadecimal.
"""

import re

from streams.core.errors import Misuse
from streams.core.identity import KEY_LENGTH, named_key

_LABEL = re.compile(r"(?:orig_to|to|from|(?:resent-)?message-id|msgid)(?:=|: )\s*", re.IGNORECASE)
CANDIDATES = 50
"""Messages that a person can choose from, unless more are asked for."""

LONGEST = 400
"""Octets of a name: an address has at most 320 (RFC 5321 4.5.3.1), and of a Message-ID its beginning is compared."""

_NUMBER = re.compile(r"[0-9a-f]{6,32}")
"""An id of ours, 16 bytes, or its beginning: six characters name a case."""

_AROUND = " \t\r\n…"
_BEHIND = f"{_AROUND}:,;"


def bare(copied: str) -> str:
    """The id or address itself; "" where there is none."""
    told = copied.strip(_AROUND).rstrip(_BEHIND)
    label = _LABEL.match(told)
    return told[label.end() if label else 0 :].strip("<>").strip(_AROUND)


def _bearable(copied: str) -> str:
    """The same, of what can be an id or an address.

    Raises:
        Misuse: it is too long.
    """
    named = bare(copied)
    if len(named.encode("utf-8", "surrogatepass")) > LONGEST:
        hint = f"of a Message-ID the first {KEY_LENGTH} characters are enough"
        raise Misuse(f"{len(named):,} characters are too long for an id or an address.", hint=hint)
    return named


def number(copied: str) -> dict[str, str]:
    """What an id of ours is compared with: `number`, hexadecimal; nothing where it is none."""
    named = bare(copied).lower()
    return {"number": named} if _NUMBER.fullmatch(named) else {}


def message(copied: str) -> dict[str, str]:
    """What a Message-ID or a queue id is compared with: `key`, a message key, and `named`, as it stands.

    Raises:
        Misuse: it names nothing, or is too long.
    """
    named = _bearable(copied)
    if named.startswith("/") and "<" not in copied:  # the key of a message without Message-ID, as screens show it
        return {"key": named, "named": named}
    try:
        return {"key": named_key(named), "named": named}
    except ValueError as error:
        raise Misuse(f"{copied!r} names no message.", hint="give a Message-ID, a queue id or a recipient") from error


def recipient(copied: str) -> dict[str, str]:
    """What a recipient is compared with: `lower`, the address in lower case.

    Raises:
        Misuse: it names nobody, or is too long.
    """
    named = _bearable(copied)
    if not named:
        raise Misuse(f"{copied!r} names no recipient.", hint="give an address")
    return {"lower": named.lower()}
