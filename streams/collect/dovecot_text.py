r"""The texts of Dovecot's lines, taken apart. Pure functions; foreign text never raises.

mail_log does not escape: a subject may read `x, msgid=<fake@x>, flags=(\Seen)`. So `msgid=` is taken from the left, in
front of the subject, and `flags=` from the right.
"""

import re
from dataclasses import dataclass

_HEAD = re.compile(
    r"^(?:dovecot(?:\[\d+\])?: )?(?P<service>[a-z0-9-]+)"
    r"(?:\((?P<first>[^)]*)\))?(?:<(?P<pid>\d*)>)?(?:<(?P<session>[^>]*)>)?: "
    r"(?:(?P<level>Debug|Info|Warning|Error|Fatal|Panic): )?(?P<text>.*)$",
    re.DOTALL,
)
_BOX = re.compile(
    r"^(?P<verb>save|expunge|delete|undelete|flag_change|copy from (?P<origin>.*?)): "
    r"box=(?P<box>.*?), uid=(?P<uid>\d*), msgid=(?P<msgid>.*?)(?:, size=(?P<size>\d+))?(?:, |$)",
    re.DOTALL,
)
_FLAGS = re.compile(r"flags=\(([^()]*)\)[^()]*$")
_OLD_SESSION = re.compile(r"^(?P<session>[A-Za-z0-9+/]{16,}(?::[RT]\d+)?): (?P<text>.*)$", re.DOTALL)
_SIEVE = re.compile(r"^(?:sieve: )?msgid=(?P<msgid>.*?): (?P<what>.*)$", re.DOTALL)
_STORED = re.compile(r"^(?:saved mail to|stored mail into mailbox) '?(?P<box>.*?)'?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Who says what.

    Attributes:
        service: lmtp, imap, pop3, ...
        user: "" where the line names none.
        session: "" where the line names none.
        text: the rest.
    """

    service: str
    user: str
    session: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxEvent:
    """A line of the mail_log plugin.

    Attributes:
        verb: save, copy, expunge, delete, undelete, flag_change.
        origin: of a copy, the mailbox it came from.
        box: mailbox.
        uid: in it.
        msgid: as logged, cut near 80 characters.
        size: bytes, or None.
        flags: after the event; None where the line has none.
    """

    verb: str
    origin: str
    box: str
    uid: str
    msgid: str
    size: int | None
    flags: frozenset[str] | None


def saying(text: str) -> Saying | None:
    """A line behind its time, or None where it has another form."""
    found = _HEAD.match(text)
    if not found:
        return None
    first, session, rest = found["first"] or "", found["session"] or "", found["text"]
    number, comma, user = first.partition(", ")
    if comma and number.isdigit():  # before 2.3: lmtp(12345, user): SESSION: text
        old = _OLD_SESSION.match(rest)
        session, rest = (old["session"], old["text"]) if old else (session, rest)
    else:
        user = "" if first.isdigit() else first
    return Saying(service=found["service"], user=user, session=session, text=rest)


def box_event(text: str) -> BoxEvent | None:
    """A mail_log line, or None."""
    found = _BOX.match(text)
    if not found:
        return None
    flags = _FLAGS.search(text)
    return BoxEvent(
        verb=found["verb"].partition(" ")[0],
        origin=found["origin"] or "",
        box=found["box"],
        uid=found["uid"],
        msgid=found["msgid"],
        size=int(found["size"]) if found["size"] and len(found["size"]) < 19 else None,  # noqa: PLR2004 - int64
        flags=frozenset(flags[1].split()) if flags else None,
    )


def sieve(text: str) -> tuple[str, str] | None:
    """Message-ID and what was done with it, of a delivery or Sieve line."""
    found = _SIEVE.match(text)
    return (found["msgid"], found["what"]) if found else None


def stored_in(what: str) -> str | None:
    """The mailbox that a delivery line names, or None."""
    found = _STORED.match(what)
    return found["box"] if found else None
