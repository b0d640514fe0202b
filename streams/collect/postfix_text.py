"""The texts of Postfix's lines, taken apart. Pure functions; foreign text never raises.

Source: Postfix 3.x: smtpd(8), cleanup(8), pickup(8), qmgr(8), bounce(8), log_adhoc (global/log_adhoc.c).
"""

import re
from typing import Final

import msgspec

from streams.collect.queueid import is_queue_id

PRIORITIES = {
    # RFC 6710 MT-PRIORITY; RFC 6477 MMHS-Primary-Precedence; RFC 2156 Priority and Importance; X-Priority as mail
    # programs write it. The numbers are RFC 6710's, and the first of these headers that is there decides.
    "mt-priority": {str(n): n for n in range(-9, 10)},
    "mmhs-primary-precedence": {"0": -4, "1": -2, "2": 0, "3": 2, "4": 4, "5": 6}
    | {"deferred": -4, "routine": -2, "priority": 0, "immediate": 2, "flash": 4, "override": 6},
    "priority": {"urgent": 4, "normal": 0, "non-urgent": -4},
    "importance": {"high": 4, "normal": 0, "low": -4},
    "x-priority": {"1": 4, "2": 4, "3": 0, "4": -4, "5": -4},
}
RANKS = {name: rank for rank, name in enumerate(PRIORITIES)}

HOLDS: Final = ("hold: ", "milter-hold: ")
ACTS: Final = (*HOLDS, "discard: ", "milter-discard: ")
"""What an access rule, a check or a milter says of a message that it accepts and keeps here, or throws away."""
REDIRECT: Final = "redirect: "
LOGIN: Final = "sasl_username="
ORIGIN: Final = "orig_client="

# Each pattern is tried at one place of a text and looks at each character a few times: a line made up by somebody who
# wishes us ill costs no more than another.
_OUTCOME: Final = (
    r", (?:orig_to=<([^>]*)>, )?relay=([^,]*), (?:conn_use=\d+, )?delay=[\d.]+, "
    r"(?:delays=([^,]*), )?(?:tls=[^,]*, )?(?:dsn=([\d.]+), )?status=([\w-]+)"
)
_ATTEMPT: Final = re.compile(r"to=<([^>]*)>" + _OUTCOME)
_PLAIN_ATTEMPT: Final = re.compile(
    r"to=<([^>]*)>, relay=([^,]*), delay=[\d.]+, delays=([^,]*), dsn=([\d.]+), status=([\w-]+) \((.*)\)", re.DOTALL
).fullmatch
"""The same of most lines, which are whole and have nothing optional: trying what is optional costs as much again."""
_QUOTED_ATTEMPT: Final = re.compile(r'to=<("(?:[^"\\]|\\.)*"[^>]*)>' + _OUTCOME)
_QUEUED_AS: Final = "queued as "
_FORWARDED: Final = "forwarded as "
_CUT_NAME: Final = re.compile(r"((?:queued|forwarded) as )[0-9A-Za-z_./+=:@~-]*\Z")
"""A name that ends a line without the bracket that ends the words: syslog cut it, so it may be half of one."""
_NUMBER: Final = re.compile(r"[_./+=:@~-]*[0-9A-Za-z][0-9A-Za-z_./+=:@~-]*")
"""Postfix's are letters and digits; SendGrid's, MailHog's and others' are not."""
_SAVED: Final = re.compile(r"\d{3} (?:[\d.]+ )?<[^>]*> (\S+) Saved")
_BOUNCED: Final = re.compile(r"\bid=[\w-]{1,100}, BOUNCE\b")
CUT: Final = (_QUEUED_AS, _FORWARDED)
"""How words end whose name was cut."""
_DISCARDED: Final = re.compile(r"\bdiscard(?:ed|ing)?\b(?![-.]\w)", re.IGNORECASE)
_OWN_WORDS: Final = "delivered to "
"""What local(8) says, with the name of a file or a command."""
_BRACKETS: Final = re.compile(r"<[^>]*>?")
_REPLACING = 'replacing command "'
_RCPT: Final = re.compile(r"rcpt to:\s*<(.*?)>(.*)", re.IGNORECASE | re.DOTALL)
_MAIL: Final = re.compile(r"mail from:", re.IGNORECASE)
_ENVID: Final = re.compile(r"\sENVID=([^\s\"]{1,200})", re.IGNORECASE)
_NOTIFY: Final = re.compile(r"\sNOTIFY=([A-Z,]{1,200})", re.IGNORECASE)
_SHOWN = 100
"""Bytes of a command that smtpd logs; what stands at its end may go on."""
_REJECTED: Final = re.compile(r"(?:milter-)?reject: RCPT from .*? to=<([^>]{0,512})>")
_REJECTION: Final = re.compile(r"((?:milter-)?reject): [A-Z-]+ from \S+ (\d{3}(?: \d\.\d{1,3}\.\d{1,3})?)(?=\D)")
_AFTER_DATA: Final = tuple(
    f"{who}reject: {where} from "
    for who in ("", "milter-")
    for where in ("END-OF-MESSAGE", "DATA content", "BDAT content")
)
_ABANDONED: Final = tuple(
    f"{why} after {what} (" for why in ("lost connection", "timeout", "too many errors") for what in ("DATA", "BDAT")
)
"""How smtpd begins to say that it received a part of a message only; a number of bytes follows."""
_WARNING: Final = "warning: "
_UNWRITTEN: Final = ("queue file size limit exceeded", "write queue file: ", "message rejected: ")
_NOT_ACCEPTED: Final = "message not accepted, try again later"
_UNSENT: Final = "sender notification failed to "
_DATA_COUNTS: Final = re.compile(r" (?:data|bdat)=(\d+)")
_HEADER: Final = re.compile(
    r"(?:info|warning|hold|filter|redirect|bcc|prepend|delay): header ([A-Za-z0-9-]+):(.*?)"
    r" from (?:local|unknown|\S{1,300}\[[^\]]{0,64}\](?::\d{1,5})?); ",
    re.DOTALL,
)
_CONTENT: Final = re.compile(
    r"((?:hold|discard): (?:header [!-9;-~]{1,200}:|body)) .*( from [^;]{1,400}; from=<)", re.DOTALL
)
_PARTIES: Final = re.compile(r"; from=<([^>]{0,512})>(?: to=<([^>]{0,512})>)?")
_RELAY: Final = re.compile(r"([^\[]*)(?:\[([^\]]*)\])?")
_ACTIVE: Final = re.compile(r"from=<([^>]*|.*)>, size=([0-9]{1,18}), nrcpt=([0-9]{1,9}) \(queue active\)").fullmatch
_PUT_IN_AGAIN: Final = re.compile(r"Requeue: ([0-9A-Za-z]{6,64})\.[0-9A-F]{1,8} to ([0-9A-Za-z]{6,64})")
"""MailScanner knows a message by its queue id with a hash of it behind (PFDiskStore.pm)."""
_PICKUP: Final = re.compile(r"uid=\d+ from=<(.*?)>(?: orig_id=(\S+))?")


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One delivery attempt.

    Attributes:
        to: recipient.
        orig_to: before rewriting; None where it is the same.
        relay: as logged; "none" where nobody was reached.
        delays: the four parts of the delay, as logged; None where they are not.
        dsn: RFC 3463 status, or "".
        status: sent, deferred, bounced, ...
        reply: the peer's or the agent's words.
    """

    to: str
    orig_to: str | None
    relay: str
    delays: str | None
    dsn: str
    status: str
    reply: str


def attempt(text: str) -> Attempt | None:
    """A delivery agent's line, or None where it has another form."""
    found = _PLAIN_ATTEMPT(text)
    if found:
        to, relay, delays, dsn, status, reply = found.groups()
        return Attempt(to or "<>", None, relay, delays, dsn, status, reply)
    found = _ATTEMPT.match(text) or _QUOTED_ATTEMPT.match(text)
    if found is None:
        return None
    to, orig_to, relay, delays, dsn, status = found.groups()
    reply = text[found.end() + 2 :]
    reply = reply[:-1] if reply.endswith(")") else _CUT_NAME.sub(r"\1", reply)
    return Attempt(to or "<>", orig_to, relay, delays, dsn or "", status, reply)


def queued_as(reply: str) -> str:
    """What the next party calls it (the last that says so: a filter quotes the one behind it); "" if none does."""
    _, found, name = reply.rpartition(_QUEUED_AS)
    if not found or name.isalnum():
        return name if found else ""
    if ">" in name:
        _, found, name = _unquoted(reply).rpartition(_QUEUED_AS)
    number = _NUMBER.match(name) if found else None
    return number[0].rstrip(".:") if number else ""


def session(reply: str) -> str:
    """The LMTP session id of a Dovecot store; "" where there is none."""
    found = _SAVED.fullmatch(reply) if reply.endswith(" Saved") else None
    return found[1] if found else ""


def forwarded_as(reply: str) -> str:
    """The entry that local(8) made of it; "" where it made none."""
    return reply[len(_FORWARDED) :] if reply.startswith(_FORWARDED) else ""


def is_discarded(reply: str) -> bool:
    """Accepted and thrown away: a `sent` that is not delivery."""
    if "discard" not in reply.lower():
        return reply == "delivered to file: /dev/null"
    return not reply.startswith(_OWN_WORDS) and _DISCARDED.search(_unquoted(reply)) is not None


def is_bounced(reply: str) -> bool:
    """Taken by amavisd, which refused it and says so to the sender itself: a `sent` that is a refusal."""
    return ", BOUNCE" in reply and _BOUNCED.search(_unquoted(reply)) is not None


def _unquoted(reply: str) -> str:
    """A peer's own words: what stands in brackets (a Message-ID, an address) somebody else chose."""
    return _BRACKETS.sub("", reply).rpartition(">")[2] if "<" in reply else reply


def names(party: str) -> tuple[str, str]:
    """Name and address of `name[address]:port`, without the port."""
    found = _RELAY.match(party)
    if found is None or found[2] is None:
        return party.partition(":")[0], ""
    return found[1], found[2]


def at_port(party: str) -> str:
    """Address and port of `name[address]:port` (`127.0.0.1:10465`, `[::1]:10465`); "" where it names no port."""
    address = names(party)[1]
    port = party.rpartition("]:")[2] if address and "]:" in party else ""
    if not port:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def early_recipient(text: str) -> tuple[str, bool | None] | None:
    """A recipient that smtpd's command filter rewrote, and whether it asks for a positive report (RFC 3461 4.1)."""
    command = _replacement(text)
    found = _RCPT.match(command)
    if found is None:
        return None
    notify = _NOTIFY.search(command, found.end(1))
    if notify is None:
        return found[1], None
    asks = "SUCCESS" in notify[1].upper()
    return found[1], None if not asks and _is_cut(command, notify) else asks


def early_envelope(text: str) -> str | None:
    """The ENVID that smtpd's command filter gave (RFC 3461 4.4)."""
    command = _replacement(text)
    found = _ENVID.search(command) if _MAIL.match(command) else None
    return found[1] if found and not _is_cut(command, found) else None


def _is_cut(command: str, found: re.Match[str]) -> bool:
    """May what was found at the end of a logged command go on."""
    return found.end() == len(command) and len(command.encode("utf-8", "replace")) >= _SHOWN


def _replacement(text: str) -> str:
    """What a command was replaced with."""
    return text.partition(_REPLACING)[2].partition('" with "')[2].removesuffix('"')


def rejected_recipient(text: str) -> str | None:
    """The recipient that smtpd refused."""
    found = _REJECTED.match(text)
    return found[1] if found else None


def rejection(text: str) -> str:
    """What smtpd refused with, without the words; "" where it refused nothing."""
    found = _REJECTION.match(text)
    return f"{found[1]} {found[2]}" if found else ""


def is_rejected_whole(text: str) -> bool:
    """Did smtpd refuse a message when all of it was sent: its queue entry is gone, which after DATA alone it is not."""
    return text.startswith(_AFTER_DATA)


def is_abandoned(text: str) -> bool:
    """Did smtpd receive a part of a message only."""
    return text.startswith(_ABANDONED)


def unaccepted(text: str) -> str:
    """The entry of which smtpd or cleanup warns that it could not be written; "" where they do not."""
    queue_id, why = _warning(text)
    return queue_id if why.startswith(_UNWRITTEN) or why.endswith(_NOT_ACCEPTED) else ""


def unsent(text: str) -> str:
    """The entry of which bounce warns that no notification about it could be sent; "" where it does not."""
    queue_id, why = _warning(text)
    return queue_id if why.startswith(_UNSENT) else ""


def _warning(text: str) -> tuple[str, str]:
    """The entry that a daemon warns of, and its words; both "" where it warns of nothing."""
    queue_id, _, words = text.removeprefix(_WARNING).partition(": ") if text.startswith(_WARNING) else ("", "", "")
    return queue_id, words


def is_in_vain(text: str) -> bool:
    """Does smtpd count at a session's end that there was data, and that it accepted none."""
    counts = _DATA_COUNTS.findall(text)
    return bool(counts) and not any(count.strip("0") for count in counts)


def header(text: str) -> tuple[str, str] | None:
    """Name (lower case) and value of a header that header_checks logged."""
    found = _HEADER.match(text)
    return (found[1].lower(), found[2].strip()) if found else None


def without_content(text: str) -> str:
    """A check's line without the header's value or the line of the body that it was about."""
    return _CONTENT.sub(r"\1\2", text, count=1)


def priority_of(name: str, value: str) -> int | None:
    """RFC 6710 priority of a header, or None where it says nothing of it."""
    words = value.lower().split(None, 1)
    return PRIORITIES.get(name, {}).get(words[0] if words else "")


def parties(text: str) -> tuple[str, str | None] | None:
    """Sender and one recipient that a check's line names."""
    found = _PARTIES.search(text)
    return (found[1], found[2]) if found else None


def pickup(text: str) -> tuple[str, str] | None:
    """Who called `sendmail`, and `orig_id` where an operator requeued."""
    found = _PICKUP.match(text)
    return (found[1], found[2] or "") if found else None


def put_in_again(text: str) -> tuple[str, str] | None:
    """The entry that MailScanner took, and the one that it made of it."""
    found = _PUT_IN_AGAIN.fullmatch(text)
    return (found[1], found[2]) if found and all(map(is_queue_id, found.groups())) else None


def redirection(said: str) -> str:
    """To whom an access rule or a check redirects a message, for all of its recipients; "" where it does not."""
    if not said.startswith(REDIRECT):
        return ""
    target = said.rpartition(": ")[2].rpartition(" triggers REDIRECT ")[2].partition(";")[0]
    return target if "@" in target and " " not in target else ""


def origin(said: str) -> str:
    """The client that an XFORWARD names as the first, as logged; "" where it names none."""
    return said.partition(ORIGIN)[2].partition(",")[0]


def orig_queue_id(text: str) -> str:
    """The entry that an XFORWARD names as the one before; "" where there is none."""
    _, found, rest = text.partition("orig_queue_id=")
    return rest.partition(",")[0] if found else ""


def activation(text: str) -> tuple[str, int, int] | None:
    """Sender, size and number of recipients of qmgr's `from=<..>, size=.., nrcpt=.. (queue active)`."""
    found = _ACTIVE(text)
    return (found[1], int(found[2]), int(found[3])) if found else None
