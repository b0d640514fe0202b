"""Delivery reports (RFC 3464) and receipts (RFC 8098) to events; one mail is one piece.

Rules:
- The message a report is about is named only in its last part: the original message or its headers. Their Received
  lines name every queue entry it passed, the origin's among them; that joins the report to the chain, whatever its
  addresses.
- A report's time is when it reached the originator: the date of its first Received line, else its Date.
- Reports in the wild lack fields or misspell them. What can be used is used; a report that names no message at all is
  counted with its place and reason. Subjects are dropped.
- Foreign mail costs little: size, nesting and number of recipients are bounded.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Counts, Piece, Unread
from streams.collect.trace import Hop, hops
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import fact_id, leg_of, message_key, pair_leg

CAP = 4 * 1024 * 1024
"""Bytes of a mail that are looked at."""

RECIPIENTS = 2000
"""Recipients of one report at most."""

EXAMPLES = 20
WORDS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_COMMENT = re.compile(r"\([^()]*\)")


Place = tuple[str, str]
"""Host and queue id."""


class ReportParser:
    """Reads mails that came back to originators."""

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Set up for one source."""
        self.counts = Counts()
        self.source, self.declaration = source, declaration
        self.through = 0
        self.reference: int | None = None
        self._place: dict[str, Any] = {}

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> Iterator[MessageEvent]:
        """The events of these mails, in order."""
        self._place = {"file": file, "observed_at": observed_at, "source": self.source.name}
        for piece in pieces:
            self.counts.pieces += 1
            self._place["offset"] = piece.offset
            yield from self._mail(piece.raw[:CAP], observed_at)

    def close(self) -> Iterable[MessageEvent]:
        """Mails are whole; nothing is left."""
        return ()

    def state(self) -> bytes:
        """Nothing is remembered from one mail to the next."""
        return b""

    def restore(self, state: bytes) -> None:
        """Nothing to take up."""

    def _mail(self, raw: bytes, observed_at: int) -> Iterator[MessageEvent]:
        try:
            mail = message_from_bytes(raw, policy=policy.compat32)
            parts = _parts(mail)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            self._unread(f"not a mail that can be read: {type(error).__name__}")
            return
        at = _arrived(mail) or observed_at
        self.through = max(self.through, at)
        if "message/delivery-status" in parts:
            yield from self._report(mail, parts, at)
        elif "message/disposition-notification" in parts:
            yield from self._receipt(mail, parts, at)
        else:
            self.counts.ignored["mail that is no report"] += 1

    def _report(self, mail: Message, parts: dict[str, Message], at: int) -> Iterator[MessageEvent]:
        blocks = _blocks(parts["message/delivery-status"])
        about, recipients = (blocks[0], blocks[1:]) if blocks else ({}, [])
        if not recipients and _recipient_fields(about):
            recipients = [about]  # one block for both, as some write it
        original = _original(parts)
        subject = self._subject(about, original)
        if subject is None:
            self._unread("no original message")
        elif not recipients:
            self._unread("a report without a recipient")
        else:
            for block in recipients[:RECIPIENTS]:
                yield from self._reported(mail, about, block, subject, at)

    def _reported(
        self, mail: Message, about: dict[str, str], block: dict[str, str], subject: "_Subject", at: int
    ) -> Iterator[MessageEvent]:
        action = _word(block.get("action", ""))
        final, original = _recipient_fields(block)
        if action not in _ACTIONS or not (final or original):
            self._unread("an unknown action" if action not in _ACTIONS else "a report without a recipient")
            return
        first, last = original or final, final or original
        places = [*subject.origin(), *([self._reporter(about)] if self._reporter(about)[1] else [])]
        remote = _typed(block.get("remote-mta", ""))
        yield self._event(
            Kind.REPORTED,
            at,
            subject.key,
            places,
            (first, last) if subject.trace else (last, last),
            original_recipient=original or None,
            action=action,
            status=_status(block.get("status", "")),
            diagnostic=_typed(block.get("diagnostic-code", ""))[:WORDS] or None,
            mts_id=about.get("original-envelope-id"),
            message_id=subject.message_id,
            attributes=(
                *subject.attributes(),
                *((f"remote-mta={remote}",) if remote else ()),
                f"report={message_key(_header(mail, 'Message-ID'), 'report', 'none')}",
            ),
        )

    def _receipt(self, mail: Message, parts: dict[str, Message], at: int) -> Iterator[MessageEvent]:
        blocks = _blocks(parts["message/disposition-notification"])
        fields = {name: value for block in reversed(blocks) for name, value in block.items()}
        final, original = _recipient_fields(fields)
        told = _word(fields.get("disposition", "").partition(";")[2]).partition("/")[0]
        named = {"message-id": fields.get("original-message-id", "")}
        subject = self._subject({}, _original(parts) or _as_message(named))
        if subject is None or not (final or original) or not told:
            self._unread("a receipt that names no " + ("message" if subject is None else "recipient or disposition"))
            return
        kind = {"displayed": Kind.READ, "deleted": Kind.NOT_READ}.get(told, Kind.REPORTED)
        recipient = original or final
        yield self._event(
            kind,
            at,
            subject.key,
            subject.origin(),
            (recipient, recipient),
            original_recipient=original or None,
            action=told,
            message_id=subject.message_id,
            traffic=Traffic.RECEIPT,
            attributes=(
                *subject.attributes(),
                f"mode={_word(fields.get('disposition', '').partition(';')[0])}",
                f"receipt={message_key(_header(mail, 'Message-ID'), 'receipt', 'none')}",
            ),
        )

    def _subject(self, about: dict[str, str], original: Message | None) -> "_Subject | None":
        """What the report is about: its message key and the queue entries that its trace names."""
        trace = hops(original, self.declaration) if original is not None else []
        message_id = _header(original, "Message-ID") if original is not None else None
        host, number = self._reporter(about)
        if message_id and message_id.strip("<> "):
            return _Subject(message_id, message_key(message_id), trace)
        if trace:
            return _Subject(None, message_key(None, trace[0].host, trace[0].queue_id), trace)
        return _Subject(None, message_key(None, host, number), trace) if host and number else None

    def _reporter(self, about: dict[str, str]) -> Place:
        """The host that reports, by its declared name, and its queue id."""
        host = self.declaration.host_of(_typed(about.get("reporting-mta", "")))
        return host, about.get("x-postfix-queue-id", "") if host else ""

    def _event(
        self, kind: Kind, at: int, key: str, places: list[Place], recipients: tuple[str, str], **fields: Any
    ) -> MessageEvent:
        """An event about the first place (its leg), joined to the second where there is one."""
        self.counts.events += 1
        legs = [leg_of(*place, to, key=key) for place, to in zip(places, recipients, strict=False)]
        host, number = places[0] if places else ("", "")
        joined = len(legs) > 1 and legs[1] != legs[0]
        outcome = f"{fields.get('action')}|{fields.get('status')}"
        return MessageEvent(
            event_id=fact_id(kind, f"{host}/{number}" if number else key, recipients[0], at, outcome),
            kind=kind,
            occurred_at=at,
            leg=legs[0] if legs else pair_leg(key, recipients[0]),
            next_leg=legs[1] if joined else None,
            message_key=key,
            host=host,
            queue_id=number,
            recipient=recipients[0],
            peer=places[1][0] if joined else None,
            next_queue_id=places[1][1] if joined else None,
            **fields,
            **self._place,
        )

    def _unread(self, reason: str) -> None:
        self.counts.unread[reason] += 1
        if len(self.counts.examples) < EXAMPLES:
            self.counts.examples.append(Unread(file=self._place["file"], offset=self._place["offset"], reason=reason))


class _Subject:
    """What a report is about."""

    __slots__ = ("key", "message_id", "trace")

    def __init__(self, message_id: str | None, key: str, trace: list[Hop]) -> None:
        self.message_id, self.key, self.trace = message_id, key, trace

    def origin(self) -> list[Place]:
        """The earliest declared queue entry; none or one."""
        return [(self.trace[0].host, self.trace[0].queue_id)] if self.trace else []

    def attributes(self) -> tuple[str, ...]:
        """The trace, as it stands in an event."""
        return ("trace=" + ",".join(f"{hop.host}/{hop.queue_id}" for hop in self.trace),) if self.trace else ()


def _parts(mail: Message) -> dict[str, Message]:
    """The first part of each content type, at the top or one level down (a report may be wrapped once)."""
    found: dict[str, Message] = {}
    level = [mail]
    for _ in range(3):
        below: list[Message] = []
        for part in level[:100]:
            kind = part.get_content_type()
            found.setdefault(kind, part)
            payload = part.get_payload()
            if kind.startswith("multipart/") and isinstance(payload, list):
                below += [one for one in payload if isinstance(one, Message)]
        level = below
    return found


def _blocks(part: Message) -> list[dict[str, str]]:
    """The groups of fields of a status part; names in lower case, values unfolded and without comments."""
    payload = part.get_payload()
    groups = payload if isinstance(payload, list) else [message_from_bytes(str(payload).encode("utf-8", "replace"))]
    blocks = [
        {name.lower(): _unfolded(value) for name, value in group.items()}
        for group in groups
        if isinstance(group, Message)
    ]
    return [block for block in blocks if block]


def _original(parts: dict[str, Message]) -> Message | None:
    """The original message or its headers."""
    for kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"):
        part = parts.get(kind)
        if part is None:
            continue
        payload = part.get_payload()
        if isinstance(payload, list) and payload and isinstance(payload[0], Message):
            return payload[0]
        raw = part.get_payload(decode=True)
        if isinstance(raw, bytes):
            return message_from_bytes(raw)
    return None


def _as_message(fields: dict[str, str]) -> Message:
    message = Message()
    for name, value in fields.items():
        message[name] = value
    return message


def _header(mail: Message, name: str) -> str | None:
    value = mail.get(name)
    return _unfolded(value) if value is not None else None


def _unfolded(value: Any) -> str:
    return " ".join(str(value).replace("\0", "").split())


def _recipient_fields(block: dict[str, str]) -> tuple[str, str]:
    """Final and original recipient, without type and brackets."""
    return _address(block.get("final-recipient", "")), _address(block.get("original-recipient", ""))


def _address(value: str) -> str:
    return _typed(value).strip("<> ").replace("\0", "")


def _typed(value: str) -> str:
    """A field without its type (`rfc822;`, `dns;`)."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and kind.strip().replace("-", "").isalnum() else value.strip()


def _word(value: str) -> str:
    words = _COMMENT.sub(" ", value).split()
    return words[0].lower().rstrip(";,") if words else ""


def _status(value: str) -> str | None:
    found = _STATUS.search(value)
    return found[0] if found else None


def _arrived(mail: Message) -> int | None:
    """When a mail reached its mailbox: the date of its first Received line, else its Date; microseconds."""
    received = mail.get("Received")
    for text in (str(received).rpartition(";")[2] if received else "", str(mail.get("Date", ""))):
        at = moment(text)
        if at is not None:
            return at
    return None


def moment(text: str) -> int | None:
    """An RFC 5322 date as microseconds UTC, or None."""
    try:
        parsed = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - _EPOCH) // timedelta(microseconds=1)
