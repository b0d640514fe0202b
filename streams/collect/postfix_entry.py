"""What a Postfix log has said so far of its queue entries: the parser's memory, and part of its checkpoint."""

from collections.abc import Sequence

import msgspec

REMARKS = 20
"""Remarks that wait for a message's key; a few checks make them."""

VERSION = 2
"""Of the checkpoint's format."""


class Owed(msgspec.Struct, gc=False, array_like=True, omit_defaults=True):
    """One recipient of an entry.

    Attributes:
        status: of the last attempt (RFC 3463); "" before the first.
        gone: nothing is owed to it here any more.
        asked: was a positive report asked for; None where the log does not say.
        announced: its arrival was told.
    """

    status: str = ""
    gone: bool = False
    asked: bool | None = None
    announced: bool = False


class Remark(msgspec.Struct, frozen=True, array_like=True):
    """What an access rule, a header check or a milter did to a message before its key, or its end, was known.

    Attributes:
        held: put on hold; else thrown away.
        at: microseconds UTC.
        words: as logged.
    """

    held: bool
    at: int
    words: str


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """What a notification of failure is about, which may have left long before it does.

    Attributes:
        number: queue id of the notification, as it was issued.
        queue_id: of the entry that it is about.
        where: `host/queue_id` of that.
        key: message key of that.
        place: first half of its legs.
    """

    number: str
    queue_id: str
    where: str
    key: str
    place: bytes


class Entry(msgspec.Struct, gc=False, array_like=True, omit_defaults=True):
    """One queue entry.

    Attributes:
        queue_id: as logged.
        at: arrival, microseconds UTC.
        where: `host/queue_id`.
        key: message key; "" until cleanup or qmgr has spoken.
        place: first half of its legs; empty until the key is known.
        message_id: whole, as logged.
        resent_id: Resent-Message-ID, or "".
        envelope_id: ENVID, where a command filter's line shows it.
        client: name and address of the SMTP client; "" for local ones.
        pid: of the smtpd that hears it.
        service: the program's name before the daemon (`postfix-relay/reinject`).
        authenticated: a SASL login was logged.
        local: it came through pickup.
        login: who called `sendmail`, as pickup says.
        written: cleanup has begun to write it.
        parent: the entry it continues (`orig_queue_id`, `orig_id`).
        root: the first entry of a row of requeued ones.
        requeued: the parent is `orig_id`: an operator put it in again.
        originator: envelope sender; None until known.
        size: bytes.
        expected: number of recipients, 0 where it cannot be known; None until qmgr has spoken.
        priority: RFC 6710.
        rank: of the header that told the priority; the lowest wins.
        report: "delivered", "failed" or "delayed" where it is a notification.
        subject: message key of what the notification is about.
        system: a notice to the postmaster.
        traffic: its class, once its arrival was told; "" where the recipient decides.
        submitted: it began here.
        arrived: its arrival was told.
        recipients: by address.
        redirected: recipients that were rewritten or expanded, as told; None: nobody.
        remarks: what waits for the key, and a hold for the end of the data.
        expiring: an operator forced its expiry.
        removed_at: microseconds; None while it is in the queue.
        held: it was put on hold at its arrival, and nobody released it.
        diverted: who gets it instead of all its recipients (REDIRECT); "" where they get it.
        turned: recipients that were rewritten or expanded, in small letters; None: nobody.
        tried: whom attempts named, in small letters; None: nobody.
        about: what it is about, where it is a notification of failure.
        reached: of what has the null sender: somebody was given it.
        failed: of what has the null sender: somebody was not, and will not be.
        notified: queue id of the last notification of failure that was issued about it.
        forwarded: of what has the null sender: queue id of what local(8) made of it, or of what it was put in again as.
    """

    queue_id: str
    at: int
    where: str
    key: str = ""
    place: bytes = b""
    message_id: str | None = None
    resent_id: str = ""
    envelope_id: str | None = None
    client: str = ""
    pid: str = ""
    service: str = ""
    authenticated: bool = False
    local: bool = False
    login: str = ""
    written: bool = False
    parent: str = ""
    root: str = ""
    requeued: bool = False
    originator: str | None = None
    size: int | None = None
    expected: int | None = None
    priority: int | None = None
    rank: int = 99
    report: str = ""
    subject: str | None = None
    system: bool = False
    traffic: str = ""
    submitted: bool = False
    arrived: bool = False
    recipients: dict[str, Owed] = {}
    redirected: set[str] | None = None
    remarks: tuple[Remark, ...] = ()
    expiring: bool = False
    removed_at: int | None = None
    held: bool = False
    diverted: str = ""
    turned: set[str] | None = None
    tried: set[str] | None = None
    about: Notice | None = None
    reached: bool = False
    failed: bool = False
    notified: str = ""
    forwarded: str = ""


class Talk(msgspec.Struct, gc=False, array_like=True, omit_defaults=True):
    """What one smtpd process is hearing.

    Attributes:
        at: microseconds UTC of its last line.
        heard: the last recipient that a command filter's line named, and whether it asked for a report.
        entry: queue id that further recipients belong to; "" before `client=` and after the data began.
        envelope_id: ENVID of the next message.
        remarks: what access rules did before there was a queue id.
        data: queue id of a message on hold whose data may not have ended.
        diverted: who gets the next message instead of its recipients.
        proxied: name and address of the client whose message it passes to a filter before the queue; "" for none.
        service: what is before the daemon, where it passes one.
        authenticated: a SASL login was logged, where it passes one.
    """

    at: int = 0
    heard: tuple[str, bool | None] | None = None
    entry: str = ""
    envelope_id: str | None = None
    remarks: tuple[Remark, ...] = ()
    data: str = ""
    diverted: str = ""
    proxied: str = ""
    service: str = ""
    authenticated: bool = False


class Spool(msgspec.Struct):
    """What is remembered of one host.

    Attributes:
        host: declared name.
        entries: by queue id.
        talks: by process id.
        requeued: the last entry that an operator requeued, by the first of its row.
        filtered: the entry that came first, by message key, where a filter gives mail back through `sendmail`.
        since: time of its first line, microseconds; 0 where it is not known.
    """

    host: str
    entries: dict[str, Entry] = {}
    talks: dict[str, Talk] = {}
    requeued: dict[str, str] = {}
    filtered: dict[str, str] = {}
    since: int = 0


Told = tuple[int, set[str], set[str]]
"""Up to when what arrived may have been told before; entries that are not, and notifications that are."""


class Memory(msgspec.Struct):
    """Everything a Postfix parser remembers, as the checkpoint keeps it.

    Attributes:
        version: of this format.
        spools: by host.
        removed: time, host and queue id of what left, in order.
        clock: state of the line reader.
        at: microseconds UTC of the last line.
        through: the latest time seen.
        seq: lines of this second before the last one.
        swept_at: when stale entries were last looked for.
        told: event ids of this second, so that alike facts are counted.
        file: name of the file that is read.
        again: of a file that was told before, what may have been (see postfix_again.py).
    """

    version: int = VERSION
    spools: dict[str, Spool] = {}
    removed: Sequence[tuple[int, str, str]] = ()
    clock: tuple[int | None, int, int] = (None, 0, 0)
    at: int = 0
    through: int = 0
    seq: int = 0
    swept_at: int = 0
    told: set[bytes] = set()
    file: str = ""
    again: Told = (-1, set(), set())
