r"""The texts of Dovecot's lines, taken apart. Pure functions; foreign text never raises.

Rules:
- mail_log does not escape: a subject may read `x, msgid=<fake@x>, flags=(\Seen)`. So `msgid=` is taken from the left,
  in front of the subject, and `flags=` from the right.
- A delivery line names the message before what was done with it, so the last thing done that it names is the real one:
  a Message-ID may read `<x>: discarded`. Around the Message-ID may stand words of the server's own
  (deliver_log_format): `from=<a@x> msgid=<m@x>, size=3: discarded`.
- Since 2.4 mail_log names the mailbox in front of the event, `Mailbox NAME: save: `, and logs no `box=`.
- In front of Dovecot's name stands the host (wrapping.py says which of several words).
- Which fields and events are logged is the server's choice (mail_log_fields, mail_log_events); each may be missing.
"""

import re
from typing import NamedTuple

from streams.collect.wrapping import host_in

_HEAD = re.compile(
    r"^(?:(?P<host>(?:[^\s:]+ )*\S*[^\s:]) dovecot(?:\[\d+\])?: )?(?P<service>[A-Za-z][A-Za-z0-9-]*)"
    r"(?:\((?P<first>[^)]*)\))?(?:<(?P<pid>\d*)>)?(?:<(?P<session>[^>]*)>)?: "
    r"(?:(?:Debug|Info|Warning|Error|Fatal|Panic): )?(?P<text>.*)$",
    re.DOTALL,
)
_INBOX = re.compile(
    r"^Mailbox (?P<inbox>.*?): (?=(?:save|copy from .*?|(?:auto)?expunge|(?:un)?delete|flag_change): )", re.DOTALL
)
"""A mailbox in front of its event; its name may have colons and blanks."""

_BOX = re.compile(
    r"^(?P<verb>save|expunge|autoexpunge|delete|undelete|flag_change|copy from (?P<origin>.*?)): "
    r"(?=box=|uid=|msgid=)(?:box=(?P<box>.*?)(?:, (?=uid=|msgid=)|$))?(?:uid=(?P<uid>\d*|error)(?:, |$))?"
    r"(?:msgid=(?:(?P<msgid>.*?), size=(?P<size>\d+|error)|(?P<bare>.*?))(?:, |$))?",
    re.DOTALL,
)
_NEXT = re.compile(r", (?:vsize|from|subject|flags)=")
"""What follows a Message-ID where its size is not logged."""

_VERBS = frozenset({"sa", "ex", "au", "de", "un", "fl", "co"})
"""How mail_log's verbs begin."""

_NAMED = "Ma"
"""How a mailbox in front of them begins."""

_RENAMED = "Mailbox renamed: "

_FLAGS = re.compile(r"flags=\(([^()]*)\)\s*$")
_OLD_SESSION = re.compile(r"^(?P<session>[A-Za-z0-9+/]{16,}(?::[A-Z]\d+)*): (?P<text>.*)$", re.DOTALL)
_WHAT = (
    r"saved mail to|stored mail into mailbox|marked message to be discarded|discarded(?! duplicate| vacation)"
    r"|rejected message from|not sending reject message(?= to <>| \(would )|rejected(?=: )(?<![^:] rejected)"
    r"|sent rejection|forwarded to"
)
_DONE = re.compile(
    rf"^(?>(?:.*?[^\w-])??msgid=)(?P<msgid>.*): (?P<what>{_WHAT}):? ?(?P<rest>.*)$", re.DOTALL | re.IGNORECASE
)
_UNSENT = re.compile(
    r"msgid=.*: (?:Auto-submitted message discarded|Return-Path missing, rejection reason"
    r"|(?:Permanently|Temporarily) failed to send rejection|Invalid postmaster_address - can't send rejection): ",
    re.DOTALL,
)
"""What a delivery says where it sends no rejection: before its filter says that it rejected, and after it says so."""

_DECIDES = re.compile(rf"(?:^|\W)(?:{_WHAT})(?:\W|$)", re.IGNORECASE)
_WORDS = re.compile(r"(<.*?>|unspecified)[,;]? [\w-]+=", re.DOTALL)
"""A Message-ID, and what a server's own format says behind it."""

_ACTION = re.compile(r": [a-z]+ action$")
"""What newer Sieves say between the Message-ID and what was done."""

_LOGOUT = re.compile(r"\btop=(\d{1,9})/\d+, retr=(\d{1,9})/\d+, del=\d+/(\d{1,9})")
_UNNAMED = frozenset({"", "unspecified"})
_INT64 = 19
"""Digits that an int64 may not have."""


class Saying(NamedTuple):
    """Who says what.

    Attributes:
        host: "" where the line names none.
        service: lmtp, imap, pop3, ...
        user: "" where the line names none.
        pid: of the process; "" where the line names none.
        session: "" where the line names none.
        text: the rest.
    """

    host: str
    service: str
    user: str
    pid: str
    session: str
    text: str


class BoxEvent(NamedTuple):
    """A line of the mail_log plugin.

    Attributes:
        verb: save, copy, expunge, autoexpunge, delete, undelete, flag_change.
        origin: of a copy, the mailbox it came from.
        box: mailbox; "" where it is not logged.
        uid: in it; "" where it is not known.
        msgid: as logged, cut near 80 characters.
        size: bytes, or None.
        flags: after the event; None where they are not logged.
    """

    verb: str
    origin: str
    box: str
    uid: str
    msgid: str
    size: int | None
    flags: frozenset[str] | None


class Done(NamedTuple):
    """What delivery or Sieve did with a message.

    Attributes:
        msgid: "" where the message has none.
        what: saved mail to, stored mail into mailbox, ... in lower case.
        rest: the mailbox, the address or the reason.
    """

    msgid: str
    what: str
    rest: str


class Logout(NamedTuple):
    """What a POP3 session did: TOP and RETR commands, and messages that were there."""

    top: int
    retrieved: int
    messages: int


def saying(text: str) -> Saying | None:
    """A line behind its time, or None where it has another form."""
    found = _HEAD.match(text)
    if not found:
        return None
    words, service, first, pid, session, rest = found.groups("")
    host = host_in(words)
    number, comma, user = first.partition(", ")
    if comma and number.isdigit():  # before 2.3: lmtp(12345, user): SESSION: text
        pid = number
    else:
        user = "" if first.isdigit() else first
    if not session and (old := _OLD_SESSION.match(rest)):
        session, rest = old["session"], old["text"]
    return Saying("" if host == "-" else host, service.lower(), user, pid, session, rest)


def program(text: str) -> str:
    """The program of a line that is not Dovecot's; "" where it names none."""
    head, colon, _ = text.partition(": ")
    _, space, tag = head.rpartition(" ")
    return tag.partition("[")[0] if colon and space else ""


def box_event(text: str) -> BoxEvent | None:
    """A mail_log line, or None."""
    inbox = _INBOX.match(text) if text[:2] == _NAMED else None
    text = text[inbox.end() :] if inbox else text
    found = _BOX.match(text) if text[:2] in _VERBS else None
    if not found:
        return None
    verb, origin, box, uid, msgid, size, bare = found.groups("")
    if not size or _NEXT.search(msgid):
        msgid, size = _NEXT.split(msgid or bare, maxsplit=1)[0], ""
    flags = _FLAGS.search(text)
    return BoxEvent(
        verb=verb if not origin else "copy",
        origin=origin,
        box=box or (inbox["inbox"] if inbox else ""),
        uid=uid if uid.isdigit() else "",
        msgid=msgid,
        size=int(size) if size.isdigit() and len(size) < _INT64 else None,
        flags=frozenset(flags[1].split()) if flags else None,
    )


def renamed(text: str) -> tuple[str, str] | None:
    """The two names of a mailbox that was renamed, or None; an arrow in a name is taken for the one between them."""
    head, found, rest = text.partition(_RENAMED) if text[:2] == _NAMED else ("", "", "")
    if not found or (head and not head.endswith(": ")):
        return None
    old, arrow, new = rest.partition(" -> ")
    return (old, new) if arrow and old and new else None


def done(text: str) -> Done | None:
    """A delivery or Sieve line that decides what became of a message, or None."""
    found = _DONE.match(text)
    if not found:
        return None
    msgid = _ACTION.sub("", found["msgid"])
    if alone := _WORDS.match(msgid):
        msgid = alone[1]
    return Done("" if msgid in _UNNAMED else msgid, found["what"].lower(), found["rest"])


def unsent(text: str) -> bool:
    """Does a line of a delivery say that no rejection was sent, though the message is rejected."""
    return _UNSENT.search(text) is not None


def decides(text: str) -> bool:
    """Does a line of a delivery say what became of a message, be it that it names none."""
    return _DECIDES.search(text) is not None


def mailbox(rest: str) -> str:
    """The mailbox of a `stored mail into mailbox` or `saved mail to` line: `'Junk' (INBOX.Junk)` is INBOX.Junk."""
    name, opened, visible = rest.rpartition("' (")
    if opened and visible.endswith(")"):
        return visible[:-1]
    del name
    return rest.strip("'")


def logout(text: str) -> Logout | None:
    """The summary of a POP3 session, or None."""
    found = _LOGOUT.search(text)
    return Logout(*(int(number) for number in found.groups())) if found else None
