"""What a real mail system does: one act each, with all that its log line, its mail or its record would need.

Rules:
- `at` is the true time, microseconds UTC. A host writes its own clock's time: `World.written_at`. Queue ids and times
  inside of texts are by the clock of the host that made them, already.
- Acts of one host stand in the order in which it did them; a log has them in that order, whatever its clock says.
- An act is a fact about the world. Whether its evidence was written, read late, twice or never is in `World.gaps`.
- Texts are as they stand in the evidence: `reply` has the peer's words whole, with `queued as` and the session.
- Nothing here says what is due: that is truth.py's business.
"""

from enum import StrEnum

import msgspec

FILTER = "127.0.0.1"
"""Where a host's content filter listens."""


class Via(StrEnum):
    """How an entry came into a queue."""

    SMTP = "smtp"  # from another host
    SASL = "sasl"  # a client with a login
    SERVICE = "service"  # a client at the submission service
    NETWORK = "network"  # a client of the house's own network
    LOCAL = "local"  # the `sendmail` command: pickup
    NOTICE = "notice"  # bounce(8) made it: a delivery report or a bounce
    FORWARD = "forward"  # local(8) made it: an alias or a list
    REQUEUE = "requeue"  # `postsuper -r` put it in again under this id
    FILTER = "filter"  # a content filter handed it back


class Agent(StrEnum):
    """The daemon that tried to deliver."""

    SMTP = "smtp"
    LMTP = "lmtp"
    LOCAL = "local"
    VIRTUAL = "virtual"
    PIPE = "pipe"
    ERROR = "error"
    DISCARD = "discard"


class Order(StrEnum):
    """What an operator did with `postsuper`; the value is its word in the log."""

    DELETED = "removed"
    HELD = "placed on hold"
    RELEASED = "released from hold"
    REQUEUED = "requeued"


class Notice(StrEnum):
    """What bounce(8) made a notification for, as its log tells it: there relayed and expanded are delivered."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"


class Entrant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One recipient of an entry as it came in.

    Attributes:
        to: envelope address.
        asked: was a positive report asked for (NOTIFY=SUCCESS); None where nobody said.
        heard: the log names them before the first attempt (a "replacing command" line of smtpd).
    """

    to: str
    asked: bool | None = None
    heard: bool = False


class Entered(msgspec.Struct, frozen=True, kw_only=True, tag="entered", gc=False):
    """A host accepted an entry: smtpd or pickup, cleanup's Message-ID, and qmgr's "queue active".

    Attributes:
        at: true time, the one in the queue id but for the clock of the host.
        host: declared name.
        queue_id: long form.
        via: how it came in.
        client: the declared name of the host that handed it over, or a client's name; "" for pickup and its like.
        address: of the client.
        service: smtpd's syslog name after "postfix/", such as "submission/smtpd"; "" where there is no smtpd.
        login: SASL user, or the user who called `sendmail`.
        parent: the queue id here that it was made of (forward, filter; requeue: the first of the row) or is about
            (notice).
        message_id: as cleanup logs it, with brackets; "" where there is none, and cleanup logs `message-id=<>`.
        sender: envelope sender; "" is the null sender.
        size: bytes.
        recipients: whom it is for.
        priority: MT-PRIORITY -9..9 as its header says (cleanup logs the header); None where it says nothing.
        envelope_id: ENVID, or "".
        receipt_to: who asks for a receipt, as its header says (cleanup logs the header); "" where nobody does.
    """

    at: int
    host: str
    queue_id: str
    via: Via
    client: str = ""
    address: str = ""
    service: str = ""
    login: str = ""
    parent: str = ""
    message_id: str
    sender: str
    size: int
    recipients: tuple[Entrant, ...]
    priority: int | None = None
    envelope_id: str = ""
    receipt_to: str = ""


class Attempted(msgspec.Struct, frozen=True, kw_only=True, tag="attempted", gc=False):
    """One attempt to deliver to one recipient.

    Attributes:
        at: true time of the log line.
        host: declared name.
        queue_id: of the entry.
        agent: the daemon that tried.
        to: recipient as tried.
        orig_to: recipient as it came in, where an alias changed it; else "".
        relay: declared name (or the foreign name) of the next party; "" where none was reached.
        address: of that party.
        port: there.
        status: sent, deferred, bounced or expired.
        dsn: RFC 3463 status.
        reply: the words in brackets at the line's end, whole.
        next_id: what the next party calls it (`queued as`), or "".
        session: LMTP session id that the store answered with, or "".
        arrived: the entry's arrival, true time; the line's `delay=` is counted from it.
    """

    at: int
    host: str
    queue_id: str
    agent: Agent
    to: str
    orig_to: str = ""
    relay: str = ""
    address: str = ""
    port: int = 25
    status: str
    dsn: str
    reply: str
    next_id: str = ""
    session: str = ""
    arrived: int


class Expired(msgspec.Struct, frozen=True, kw_only=True, tag="expired", gc=False):
    """qmgr gave up: `from=<>, status=expired, returned to sender`; everyone still owed is refused."""

    at: int
    host: str
    queue_id: str
    sender: str
    forced: bool = False


class Left(msgspec.Struct, frozen=True, kw_only=True, tag="left", gc=False):
    """qmgr removed an entry: nothing is owed there any more."""

    at: int
    host: str
    queue_id: str


class Ordered(msgspec.Struct, frozen=True, kw_only=True, tag="ordered", gc=False):
    """An operator used postsuper on one entry; after `requeued` follows an Entered with `parent`."""

    at: int
    host: str
    queue_id: str
    order: Order


class Noticed(msgspec.Struct, frozen=True, kw_only=True, tag="noticed", gc=False):
    """bounce(8) made a notification: `sender delivery status notification: NEXT`. An Entered via notice follows.

    Attributes:
        at: true time.
        host: declared name.
        queue_id: what it is about.
        notice: why.
        notice_id: queue id of the notification.
        notice_message_id: its Message-ID, as its own entry logs it.
    """

    at: int
    host: str
    queue_id: str
    notice: Notice
    notice_id: str
    notice_message_id: str


class Stored(msgspec.Struct, frozen=True, kw_only=True, tag="stored", gc=False):
    """A store put a message into a mailbox, or (mailbox "") threw it away as sieve told it to.

    Attributes:
        at: true time.
        host: declared name of the store.
        session: LMTP session id, whole.
        user: the store's name of the recipient.
        mailbox: where it lies; "" where it was discarded.
        uid: there.
        message_id: with brackets, or "".
        sender: envelope sender.
        size: bytes.
        seen: a filter saved it as seen.
    """

    at: int
    host: str
    session: str
    user: str
    mailbox: str
    uid: int
    message_id: str
    sender: str
    size: int
    seen: bool = False


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened", gc=False):
    r"""A client set \Seen on a message."""

    at: int
    host: str
    user: str
    mailbox: str
    uid: int
    message_id: str
    session: str
    size: int = 0


class Expunged(msgspec.Struct, frozen=True, kw_only=True, tag="expunged", gc=False):
    r"""A client removed a message; `seen` says whether it had the \Seen flag."""

    at: int
    host: str
    user: str
    mailbox: str
    uid: int
    message_id: str
    session: str
    seen: bool
    size: int = 0


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag="moved", gc=False):
    """A client moved a message to another mailbox of the same user (copy and expunge)."""

    at: int
    host: str
    user: str
    mailbox: str
    uid: int
    to_mailbox: str
    to_uid: int
    message_id: str
    session: str
    seen: bool = False
    size: int = 0


class Stay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One Received line of a trace, by the clock of its host."""

    host: str
    queue_id: str
    at: int


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a report says of one recipient (RFC 3464 2.3)."""

    final: str
    original: str = ""
    action: str
    status: str
    remote: str = ""
    diagnostic: str = ""


class Reported(msgspec.Struct, frozen=True, kw_only=True, tag="reported", gc=False):
    """A delivery report reached the mailbox where an origin collects its reports.

    Attributes:
        at: true time at which it came there; its first Received line says so by the host's clock.
        host: declared name of the origin that received it.
        queue_id: of the report's own last entry there.
        report_id: the report's own Message-ID, with brackets.
        by: declared name of the host that reports; "" where it does not say.
        by_queue_id: its queue id of the message (X-Postfix-Queue-ID), or "".
        by_arrived: Arrival-Date by its clock, microseconds.
        message_id: of the original message, with brackets, or "".
        sender: of the original message.
        trace: Received lines of the original, oldest first.
        told: each recipient.
        envelope_id: Original-Envelope-Id, or "".
    """

    at: int
    host: str
    queue_id: str
    report_id: str
    by: str
    by_queue_id: str
    by_arrived: int
    message_id: str
    sender: str
    trace: tuple[Stay, ...]
    told: tuple[Told, ...]
    envelope_id: str = ""


class Receipted(msgspec.Struct, frozen=True, kw_only=True, tag="receipted", gc=False):
    """A receipt (RFC 8098) reached the mailbox where an origin collects its reports.

    Attributes:
        at: true time at which it came there.
        host: declared name of the origin that received it.
        queue_id: of the receipt's own last entry there.
        receipt_id: the receipt's own Message-ID, with brackets.
        message_id: of the original message, with brackets, or "".
        trace: Received lines of the original, oldest first; empty where only its Message-ID is told.
        final: whose receipt it is.
        original: Original-Recipient, or "".
        disposition: displayed or deleted.
        by_hand: manual-action, else automatic-action.
    """

    at: int
    host: str
    queue_id: str
    receipt_id: str
    message_id: str
    trace: tuple[Stay, ...]
    final: str
    original: str = ""
    disposition: str = "displayed"
    by_hand: bool = True


Act = (
    Entered | Attempted | Expired | Left | Ordered | Noticed | Stored | Opened | Expunged | Moved | Reported | Receipted
)
