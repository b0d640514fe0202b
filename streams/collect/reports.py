"""Delivery reports (RFC 3464), receipts (RFC 8098) and bounces in plain words to events; one mail is one piece.

Rules:
- A report leads from the origin's queue entry (known by the trace in its last part) to the entry of the host that
  reports; a receipt is about the origin's entry. Where neither is known, they are about the message and the recipient,
  and so is a receipt that does not say for whom the message was first: who answers may have an address that the origin
  never had in its queue.
- For whom it was first Original-Recipient says, or else the origin's Received line, where there was one recipient.
- A report's time is when it reached the originator: the date of its first Received line, else its Date; a time after it
  was read is no time.
- Reports in the wild lack fields or misspell them. What can be used is used; a report that names no message at all, a
  bounce whose words are not known, and one that a bound cut are counted with their place and reason. Subjects are
  dropped.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from streams.collect import reports_status
from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Counts, Piece
from streams.collect.receipts import receipt
from streams.collect.reports_mail import CUT, Part, fields, grouped, part, parts
from streams.collect.reports_plain import failed, plain
from streams.collect.reports_status import Status
from streams.collect.reports_subject import LONGEST, Subject, answered, original, reporter, subject
from streams.collect.reports_text import moment, status, typed
from streams.collect.trace import LENGTH, Hop
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import bare_id, fact_id, leg_of, message_key, pair_leg

_DAY = 86_400_000_000
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_PROBES = frozenset({"deliverable", "undeliverable"})
"""What sendmail and Postfix report to who asked about an address (`sendmail -bv`): there was no message."""

_TYPE = re.compile(r"\breport-type\s*=\s*[\"']?(?:global-)?([\w-]*)", re.IGNORECASE)
_OURS = frozenset({"delivery-status", "disposition-notification"})
_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RECEIPT_PARTS = frozenset({"message/disposition-notification", "message/global-disposition-notification"})


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
        for piece in pieces:
            self.counts.pieces += 1
            self._place = {
                "file": file,
                "observed_at": observed_at,
                "source": self.source.name,
                "offset": piece.offset,
            }
            yield from self._mail(part(piece.raw), observed_at)

    def close(self) -> Iterable[MessageEvent]:
        """Mails are whole; nothing is left."""
        return ()

    def state(self) -> bytes:
        """Nothing is remembered from one mail to the next."""
        return b""

    def restore(self, state: bytes) -> None:
        """Nothing to take up."""

    def _mail(self, mail: Part, observed_at: int) -> Iterator[MessageEvent]:
        if not mail.fields:
            self._unread("not a mail")
            return
        told = _arrived(mail, observed_at)
        at = observed_at if told is None else told
        self.through = max(self.through, told or 0)
        inside, more = parts(mail)
        for number, one in enumerate(inside):
            if one.kind in _STATUS_PARTS:
                yield from self._report(mail, inside[number:], at)
                return
            if one.kind in _RECEIPT_PARTS:
                yield from self._receipt(mail, inside[number:], at)
                return
        yield from self._plain(mail, inside, at, more)

    def _report(self, mail: Part, inside: Sequence[Part], at: int) -> Iterator[MessageEvent]:
        about, every, cut = reports_status.read(inside[0], failed(mail))
        told = self._of_messages(every)
        if every and not told and not cut:
            return
        named = [one for name in ("x-original-message-id", "original-message-id") for one in about.get(name, [])]
        by = reporter(about, mail, self.declaration)
        found = subject(original(inside[1:]), [*named, answered(mail)], self.declaration)
        if found is None:
            self._unread("no original message")
            if not by.queue_id:
                return
            found = Subject(message_key(None, *by), None, [], None)
        if not told:
            self._unread("a report without a recipient")
        if cut or not (inside[-1].whole or b"\n\n" in inside[-1].content()):  # of the original its head counts
            self._unread(cut or CUT)
        envelope = typed(about.get("original-envelope-id", [""])[0])[:LONGEST] or None
        for one in told:
            yield from self._reported(mail, one, found, by, at, mts_id=envelope)

    def _of_messages(self, told: Sequence[Status]) -> list[Status]:
        """Recipients of messages; addresses that somebody merely asked about are counted."""
        probes = sum(one.action in _PROBES for one in told)
        if probes:
            self.counts.ignored["a probe of an address"] += probes
        return [one for one in told if one.action not in _PROBES]

    def _reported(
        self, mail: Part, told: Status, about: Subject, by: Hop, at: int, **more: Any
    ) -> Iterator[MessageEvent]:
        if told.action not in _ACTIONS or not told.recipient:
            self._unread("an unknown action" if told.recipient else "a report without a recipient")
            return
        first = told.original or about.whom or told.recipient
        stays = [(about.origin, first), (by if by.queue_id else None, told.recipient)]
        yield self._event(
            Kind.REPORTED,
            at,
            about,
            [(stay, to) for stay, to in stays if stay] or [(None, first)],
            original_recipient=told.original or None,
            action=told.action,
            status=told.status,
            diagnostic=told.diagnostic,
            attributes=(
                *about.attributes(),
                *((f"remote-mta={told.remote}",) if told.remote else ()),
                *_name("report", mail),
            ),
            **more,
        )

    def _receipt(self, mail: Part, inside: Sequence[Part], at: int) -> Iterator[MessageEvent]:
        told = receipt(grouped(fields(inside[0].content())))
        if told is None:
            self._unread("a receipt without a recipient or a known disposition")
            return
        about = subject(original(inside[1:]), [told.message_id, answered(mail)], self.declaration)
        if about is None:
            self._unread("a receipt that names no message")
            return
        first = told.original or about.whom
        modes = (("mode", told.mode), ("modifier", told.modifier))
        yield self._event(
            told.kind,
            at,
            about,
            [(about.origin if first else None, first or told.recipient)],
            original_recipient=told.original or None,
            action=told.action,
            traffic=Traffic.RECEIPT,
            attributes=(
                *about.attributes(),
                *(f"{name}={value}" for name, value in modes if value),
                *_name("receipt", mail),
            ),
        )

    def _plain(self, mail: Part, inside: Sequence[Part], at: int, more: str) -> Iterator[MessageEvent]:
        """A failure told in plain words; any other mail is none of ours."""
        found = plain(mail, inside)
        if found is None or not found.failures:
            self._other(mail, more, bounce=found is not None)
            return
        if found.cut:
            self._unread(found.cut)
        attached = original(inside[1:]) if not found.original else found.original
        about = subject(attached, [answered(mail)], self.declaration)
        if about is None:
            self._unread("no original message")
            return
        for recipient, reason, alias in found.failures:
            told = Status(recipient, alias, "failed", status(reason), reason or None, "")
            yield from self._reported(mail, told, about, Hop("", ""), at)

    def _other(self, mail: Part, more: str, *, bounce: bool) -> None:
        """Count a mail that no event comes of: is it none of ours, or not understood."""
        kind = _TYPE.search(mail.first("content-type")[:LENGTH])
        if kind and kind[1].lower() in _OURS:
            self._unread(more or ("a report without its status part" if mail.whole else CUT))
        elif bounce and not kind:
            self._unread(more or "a bounce in words that are not known")
        elif more:
            self._unread(more)
        else:
            self.counts.ignored["mail that is no report"] += 1

    def _event(
        self, kind: Kind, at: int, about: Subject, stays: list[tuple[Hop | None, str]], **told: Any
    ) -> MessageEvent:
        """An event about the first stay (its leg), joined to the second where there is one."""
        self.counts.events += 1
        self.through = max(self.through, at)  # of a mail that tells no time only what comes of it counts as seen
        legs = [leg_of(*stay, to, key=about.key) if stay else pair_leg(about.key, to) for stay, to in stays]
        (stay, recipient), joined = stays[0], len(legs) > 1 and legs[1] != legs[0]
        host, number = stay or Hop("", "")
        peer = stays[1][0] if joined else None
        outcome = f"{told['action']}|{told.get('status')}"
        return MessageEvent(
            event_id=fact_id(kind, f"{host}/{number}" if number else about.key, recipient, at, outcome),
            kind=kind,
            occurred_at=at,
            leg=legs[0],
            next_leg=legs[1] if joined else None,
            message_key=about.key,
            message_id=about.message_id,
            host=host,
            queue_id=number,
            recipient=recipient,
            peer=peer.host if peer else None,
            next_queue_id=peer.queue_id if peer else None,
            **told,
            **self._place,
        )

    def _unread(self, reason: str) -> None:
        self.counts.miss(self._place["file"], self._place["offset"], reason)


def _arrived(mail: Part, observed_at: int) -> int | None:
    """When a mail reached its mailbox, microseconds: as its first Received line says, else its Date, else None."""
    for text in (mail.first("received").rpartition(";")[2], mail.first("date")):
        at = moment(text)
        if at is not None and at <= observed_at + _DAY:
            return at
    return None


def _name(what: str, mail: Part) -> tuple[str, ...]:
    """The report's own message key."""
    own = mail.first("message-id")
    return (f"{what}={message_key(own)}",) if bare_id(own) else ()
