"""What a person names, as copied from a log, a mail or a screen.

Rules:
- What a log puts around an id or an address is no part of it: `to=<…>,`, `message-id=<…>`, `4jYMZL52lmz1TCJ3:`, blanks,
  and the `…` of a screen that cut it. What stands within `<>` is.
- What is left must name something: the empty text would be said of all that has no name.
"""

import re

from streams.core.errors import Misuse
from streams.core.identity import message_key

_LABEL = re.compile(r"(?:orig_to|to|from|(?:resent-)?message-id|msgid)(?:=|: )\s*", re.IGNORECASE)
_AROUND = " \t\r\n…"
_BEHIND = f"{_AROUND}:,;"


def bare(copied: str) -> str:
    """The id or address itself; "" where there is none."""
    told = copied.strip(_AROUND).rstrip(_BEHIND)
    label = _LABEL.match(told)
    return told[label.end() if label else 0 :].strip("<>").strip(_AROUND)


def message(copied: str) -> dict[str, str]:
    """What a Message-ID or a queue id is compared with: `key`, a message key, and `named`, as it stands.

    Raises:
        Misuse: it names nothing.
    """
    named = bare(copied)
    if named.startswith("/") and "<" not in copied:  # the key of a message without Message-ID, as screens show it
        return {"key": named, "named": named}
    try:
        return {"key": message_key(named), "named": named}
    except ValueError as error:
        raise Misuse(f"{copied!r} names no message.", hint="give a Message-ID, a queue id or a recipient") from error


def recipient(copied: str) -> dict[str, str]:
    """What a recipient is compared with: `lower`, the address in lower case.

    Raises:
        Misuse: it names nobody.
    """
    named = bare(copied)
    if not named:
        raise Misuse(f"{copied!r} names no recipient.", hint="give an address")
    return {"lower": named.lower()}
