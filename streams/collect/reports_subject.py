"""What a report is about: the message, and the queue entries that its trace names.

Rules:
- The message a report is about is named only in its last part: the original message or its headers. Where that part is
  missing, some name it in a field of their own, or answer to it (In-Reply-To).
- The Received lines there name every stay, the origin's among them; that joins the report to the chain, whatever its
  addresses. The origin is the earliest declared host, a submission point rather than another.
- Where the origin's line says for whom the message was, it was for nobody else: whatever a report calls its recipient,
  it is about them.
- A Message-ID that a later hop invented (it is made of that hop's queue id) is not what the origin knew: the key is
  then made of the origin's queue entry, as it is there.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.collect.declaration import Declaration
from streams.collect.reports_mail import Fields, Part, fields, first, grouped
from streams.collect.reports_text import only_id, typed
from streams.collect.trace import Hop, hops, only_one
from streams.core.identity import bare_id, message_key

_ORIGINALS = frozenset(
    {
        "message/rfc822",
        "message/rfc822-headers",
        "message/global",
        "message/global-headers",
        "text/rfc822-headers",
        "text/rfc822",
    }
)
LONGEST = 998
"""Characters of a Message-ID: of a line of a mail (RFC 5322 2.1.1). What many recipients share must be short."""

_TRIED = 20
"""Parts that may be the original message under a name of their own."""

_SHOWN = 20
"""Stays of a trace that an event tells."""


class Subject(NamedTuple):
    """What a report is about.

    Attributes:
        key: message key.
        message_id: as the report has it, or None.
        trace: stays at declared hosts, oldest first.
        origin: the stay where it was submitted, as far as can be known.
        whom: its only recipient there, "" where it had several or nothing says.
    """

    key: str
    message_id: str | None
    trace: list[Hop]
    origin: Hop | None
    whom: str = ""

    def attributes(self) -> tuple[str, ...]:
        """The trace, as it stands in an event."""
        shown = [f"{hop.host}/{hop.queue_id}" for hop in self.trace[:_SHOWN]]
        return (f"trace={','.join(shown)}",) if shown else ()


def original(parts: Sequence[Part]) -> Fields:
    """The fields of the original message among the parts that follow a report's status; empty where there is none."""
    for one in parts:
        if one.kind in _ORIGINALS:
            return _headers(one)
    for one in parts[:_TRIED]:  # some call it plain text or something of their own
        found = _headers(one) if not one.kind.startswith("multipart/") else {}
        if "message-id" in found or "received" in found:
            return found
    return {}


def subject(original: Fields, named: Sequence[str], declaration: Declaration) -> Subject | None:
    """What a report is about, or None where nothing names it.

    Args:
        original: fields of the original message.
        named: other places that may hold its Message-ID, best first.
        declaration: of hosts and submission points.
    """
    trace = hops(original.get("received", []), declaration)
    origin = _origin(trace, declaration)
    whom = only_one(original.get("received", []), declaration, origin) if origin else ""
    candidates = (first(original, "message-id"), *named)
    message_id = next((one[:LONGEST] for one in candidates if bare_id(one[:LONGEST])), None)
    if message_id and not (origin and _invented(message_id, trace, origin)):
        return Subject(message_key(message_id), message_id, trace, origin, whom)
    return Subject(message_key(None, *origin), message_id, trace, origin, whom) if origin else None


def reporter(about: Fields, mail: Part, declaration: Declaration) -> Hop:
    """The host that reports, by its declared name, and its queue id; "" where it does not say."""
    host = typed(first(about, "reporting-mta"))
    if not host:  # the report's own trace begins where it was written
        trace = hops(mail.fields.get("received", []), declaration)
        host = trace[0].host if trace else ""
    numbers = [values[0] for name, values in about.items() if name.startswith("x-") and name.endswith("-queue-id")]
    return Hop(declaration.host_of(host), numbers[0].partition(" ")[0] if host and numbers else "")


def answered(mail: Part) -> str:
    """The one message that a mail answers to, or ""."""
    return only_id(mail.first("in-reply-to")) or only_id(mail.first("references"))


def _headers(one: Part) -> Fields:
    content = one.content().lstrip(b"\n")
    return grouped(fields(content.partition(b"\n\n")[0]))


def _origin(trace: Sequence[Hop], declaration: Declaration) -> Hop | None:
    points = {declaration.host_of(point.host) for point in declaration.submission_points}
    submitted = [hop for hop in trace if hop.host in points]
    return next(iter(submitted or trace), None)


def _invented(message_id: str, trace: Sequence[Hop], origin: Hop) -> bool:
    """Did a hop after the origin make this Message-ID of its own queue id (Postfix: `<[time.]QUEUEID@host>`)."""
    own = message_id.strip("<> ").partition("@")[0].rpartition(".")[2]
    after = trace[trace.index(origin) + 1 :]
    return own != origin.queue_id and any(hop.queue_id == own for hop in after)
