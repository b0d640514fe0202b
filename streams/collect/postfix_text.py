"""The texts of Postfix's lines, taken apart. Pure functions; foreign text never raises."""

import re
from dataclasses import dataclass

PRIORITIES = {
    # RFC 2156 Priority, X-Priority and Importance as mail programs write them, RFC 6477 MMHS-Primary-Precedence;
    # the numbers are RFC 6710's
    "priority": {"urgent": 4, "normal": 0, "non-urgent": -4},
    "importance": {"high": 4, "normal": 0, "low": -4},
    "x-priority": {"1": 4, "2": 4, "3": 0, "4": -4, "5": -4},
    "mt-priority": {str(n): n for n in range(-9, 10)},
    "mmhs-primary-precedence": {"0": -4, "1": -2, "2": 0, "3": 2, "4": 4, "5": 6}
    | {"deferred": -4, "routine": -2, "priority": 0, "immediate": 2, "flash": 4, "override": 6},
}

_ATTEMPT = re.compile(
    r"to=<(?P<to>.*?)>, (?:orig_to=<(?P<orig_to>.*?)>, )?relay=(?P<relay>.*?), (?:conn_use=\d+, )?"
    r"delay=(?P<delay>[\d.]+), (?:delays=(?P<delays>[\d./e-]+), )?(?:dsn=(?P<dsn>[\d.]+), )?status=(?P<status>[\w-]+)"
    r"(?: \((?P<reply>.*)\))?$",
    re.DOTALL,
)
_QUEUED_AS = re.compile(r"queued as ([0-9A-Za-z]+)")
_SAVED = re.compile(r"^\d{3} (?:[\d.]+ )?<[^>]*> (\S+) Saved$")
_COMMAND = re.compile(r'replacing command "(?:.*?)" with "rcpt to:\s*<(.*?)>(.*)"$', re.IGNORECASE | re.DOTALL)
_NOTIFY = re.compile(r"\bNOTIFY=([A-Z,]+)", re.IGNORECASE)
_REJECTED = re.compile(r"reject: RCPT from .*? to=<(.*?)>")
_HEADER = re.compile(r"(?:info|hold|warn): header ([A-Za-z0-9-]+): *(.*?) from \S+\[[^\]]*\]; ")
_RELAY = re.compile(r"^(?P<name>[^\[]*)(?:\[(?P<address>[^\]]*)\])?")
_ADDRESS = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery attempt.

    Attributes:
        to: recipient.
        orig_to: before rewriting; None where it is the same.
        relay: as logged; "none" where nobody was reached.
        delays: the four parts of the delay, as logged.
        dsn: RFC 3463 status, or "".
        status: sent, deferred, bounced, ...
        reply: the peer's or the agent's words.
    """

    to: str
    orig_to: str | None
    relay: str
    delays: str
    dsn: str
    status: str
    reply: str

    @property
    def queued_as(self) -> str:
        """What the next party calls it; "" where it says no name."""
        found = _QUEUED_AS.findall(self.reply)
        return found[-1] if found else ""

    @property
    def session(self) -> str:
        """The LMTP session id of a Dovecot store; "" where there is none."""
        found = _SAVED.match(self.reply)
        return found[1] if found else ""

    @property
    def forwarded_as(self) -> str:
        """The entry that local(8) made of it; "" where it made none."""
        return self.reply.removeprefix("forwarded as ") if self.reply.startswith("forwarded as ") else ""

    @property
    def is_discarded(self) -> bool:
        """Accepted and thrown away: `sent` that is not delivery."""
        return "discard" in self.reply.lower() and not self.queued_as and not self.session


def attempt(text: str) -> Attempt | None:
    """A delivery agent's line, or None where it has another form."""
    found = _ATTEMPT.match(text)
    if not found:
        return None
    to, orig_to, relay, _, delays, dsn, status, reply = found.groups()
    return Attempt(to, orig_to, relay, delays or "", dsn or "", status, reply or "")


def relay_names(relay: str) -> tuple[str, str]:
    """Name and address of `name[address]:port`, without the port."""
    found = _RELAY.match(relay)
    if not found:
        return relay, ""
    name = found["name"] if found["address"] is not None else found["name"].partition(":")[0]
    return name, found["address"] or ""


def early_recipient(text: str) -> tuple[str, bool | None] | None:
    """A recipient that smtpd's command filter rewrote, and whether it asks for a positive report."""
    found = _COMMAND.search(text)
    if not found:
        return None
    notify = _NOTIFY.search(found[2])
    return found[1], ("SUCCESS" in notify[1].upper() if notify else None)


def rejected_recipient(text: str) -> str | None:
    """The recipient that smtpd refused."""
    found = _REJECTED.search(text)
    return found[1] if found else None


def header(text: str) -> tuple[str, str] | None:
    """Name (lower case) and value of a header that header_checks logged."""
    found = _HEADER.match(text)
    return (found[1].lower(), found[2].strip()) if found else None


def priority_of(name: str, value: str) -> int | None:
    """RFC 6710 priority of a header, or None where it says nothing of it."""
    words = value.lower().split()
    return PRIORITIES.get(name, {}).get(words[0] if words else "")


def fields(text: str) -> dict[str, str]:
    """`name=value, name=value` of smtpd's, pickup's and qmgr's lines; brackets of addresses are kept."""
    found = {}
    for part in text.split(", "):
        for piece in part.split(" ") if part.startswith("uid=") else (part,):
            name, equals, value = piece.partition("=")
            if equals:
                found[name] = value
    return found


def bare(address: str) -> str:
    """An address without its angle brackets."""
    return address.removeprefix("<").partition(">")[0]


def address_of(client: str) -> str:
    """The address in `name[address]`."""
    found = _ADDRESS.search(client)
    return found[1] if found else client
