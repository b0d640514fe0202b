"""The one envelope: every submission, transfer, delivery, read, report and action is a MessageEvent.

Rules:
- `kind` says which fields matter. An absent text is "" where it takes part in identity (host, queue_id, recipient),
  None elsewhere.
- Times are integers, microseconds since 1970-01-01 UTC. `occurred_at` is when it happened by the system that says so,
  `observed_at` when the evidence was read.
- `leg` names the stay the event is about, `next_leg` the stay that custody passed to (see identity.py); both are
  16-byte hashes, so that a consumer joins columns of hashes and never texts.
- Addresses are as in the evidence; only their hashes are folded.

The Avro schema of the same record is schemas/events/message-event.avsc; a test holds the two together.
"""

from enum import StrEnum

import msgspec

WITHDRAWN = "withdrawn"
"""Attribute of an alert's clearing that takes its raising back."""

UNFOUND = "found=no"
"""Attribute beside it: who read the log again under the same terms did not find what stood, so no replay will."""


UNDELIVERED = "undelivered"
"""What became of a notification that a switch issued, where it reached nobody."""

OF_NOTICES = ("issued", UNDELIVERED)
"""Actions of what a switch says of its own notifications: no report of them came to anybody."""


class Kind(StrEnum):
    """What happened; past participles. Those of X.400 alone (resubmitted, forwarded, viewed) have no collector yet."""

    SUBMITTED = "submitted"
    TRANSFERRED = "transferred"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    REPORTED = "reported"
    READ = "read"
    NOT_READ = "not-read"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    DISCARDED = "discarded"
    QUARANTINED = "quarantined"
    REMOVED = "removed"
    DELETED = "deleted"
    DISCHARGED = "discharged"
    TICK = "tick"
    RESUBMITTED = "resubmitted"
    FORWARDED = "forwarded"
    REROUTED = "rerouted"
    HELD = "held"
    RELEASED = "released"
    NON_DELIVERED = "non-delivered"
    VIEWED = "viewed"


class Traffic(StrEnum):
    """The class of a submission or arrival: what is owed to it."""

    OURS = "ours"
    INBOUND = "inbound"
    REPORT = "report"
    RECEIPT = "receipt"
    SYSTEM = "system"
    PROBE = "probe"
    BULK = "bulk"
    TRANSIT = (
        "transit"  # an arrival at a switch that is not a submission point: a later leg of what another host submitted
    )


class MessageEvent(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One fact about one message, for one recipient (or, with recipient "", for a whole queue entry).

    Fields are given by name. Only a collector's commonest events give them by place, which takes a third of the time;
    the order here is for them (what all have, what attempts have, what arrivals have, the rest).

    Attributes:
        event_id: 16 bytes, hash of the fact (identity.fact_id).
        kind: what happened.
        occurred_at: microseconds UTC.
        observed_at: microseconds UTC.
        leg: 16 bytes; the stay it is about.
        message_key: puts all evidence about one message in one partition; it does not identify.
        host: the declared name of the host of `leg`.
        queue_id: of `leg` there; for a store, the LMTP session id or "mailbox/uid".
        recipient: envelope recipient, "" for the whole queue entry.
        source: name of the declared source.
        file: where the evidence stands.
        offset: byte offset (or message number) in it.
        seq: order within one second of one source.
        next_leg: 16 bytes or None; the stay that custody passed to.
        next_queue_id: of `next_leg`: what the next party calls it (`queued as`, LMTP session id).
        peer: the host of `next_leg`, or the client; a declared name where its aliases know it.
        side: "sent" or "received" for transferred; "moved" within a store.
        action: of a report, RFC 3464 (delivered, failed, delayed, relayed, expanded; of a notification that a switch
            issued, issued or undelivered), or of a receipt, RFC 8098 (displayed, deleted, dispatched, processed).
        status: RFC 3463 status or X.411 reason/diagnostic.
        diagnostic: the peer's words.
        original_recipient: before rewriting or expansion (`orig_to`, Original-Recipient).
        attributes: "name=value" texts.
        message_id: as in the evidence, whole.
        mts_id: X.400 MTS-identifier, or ENVID.
        originator: envelope sender; "" is the null sender.
        recipients_expected: number of recipients of the queue entry (`nrcpt`).
        priority: RFC 6710 MT-PRIORITY, -9..9; urgent 4, normal 0, non-urgent -4; None where the evidence is silent.
        size: bytes.
        traffic: class of the submission or arrival.
        report_requested: was a positive report asked for; None where the evidence is silent.
        subject_key: message key of the message that a report or receipt message is about.
        content_type: X.400 content type, MIME type or AMHS content type.
        digest: SHA-256 of the content, where known.
        subject_event: event_id of what an action or report is about.
    """

    event_id: bytes
    kind: Kind
    occurred_at: int
    observed_at: int
    leg: bytes
    message_key: str
    host: str = ""
    queue_id: str = ""
    recipient: str = ""
    source: str = ""
    file: str | None = None
    offset: int | None = None
    seq: int = 0
    next_leg: bytes | None = None
    next_queue_id: str | None = None
    peer: str | None = None
    side: str | None = None
    action: str | None = None
    status: str | None = None
    diagnostic: str | None = None
    original_recipient: str | None = None
    attributes: tuple[str, ...] = ()
    message_id: str | None = None
    mts_id: str | None = None
    originator: str | None = None
    recipients_expected: int | None = None
    priority: int | None = None
    size: int | None = None
    traffic: Traffic | None = None
    report_requested: bool | None = None
    subject_key: str | None = None
    content_type: str | None = None
    digest: bytes | None = None
    subject_event: bytes | None = None
