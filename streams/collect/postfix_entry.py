"""What a Postfix log has said of one queue entry so far: the parser's memory, and part of its checkpoint."""

import msgspec


class Owed(msgspec.Struct):
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


class Entry(msgspec.Struct):
    """One queue entry.

    Attributes:
        queue_id: as logged.
        at: arrival, microseconds UTC.
        key: message key; "" until cleanup or qmgr has spoken.
        message_id: whole, as logged.
        client: name and address of the SMTP client; "" for local ones.
        service: the part of the program's name before the daemon (`submission`, `reinject`), or "".
        authenticated: a SASL login was logged.
        local: it came through pickup.
        parent: the entry it continues (`orig_queue_id`, `orig_id`).
        requeued: the parent is `orig_id`: an operator put it in again.
        originator: envelope sender; None until qmgr has spoken.
        size: bytes.
        expected: number of recipients.
        priority: RFC 6710.
        report: "delivered", "failed" or "delayed" where it is a notification.
        subject: message key of what the notification is about.
        system: a notice to the postmaster.
        arrived: its arrival was told.
        recipients: by address.
        redirected: recipients that were rewritten or expanded, as told.
        expiring: an operator forced its expiry.
        removed_at: microseconds; None while it is in the queue.
    """

    queue_id: str
    at: int
    key: str = ""
    message_id: str | None = None
    client: str = ""
    service: str = ""
    authenticated: bool = False
    local: bool = False
    parent: str = ""
    requeued: bool = False
    originator: str | None = None
    size: int | None = None
    expected: int | None = None
    priority: int | None = None
    report: str = ""
    subject: str | None = None
    system: bool = False
    arrived: bool = False
    recipients: dict[str, Owed] = {}
    redirected: list[str] = []
    expiring: bool = False
    removed_at: int | None = None


class Talk(msgspec.Struct):
    """What an smtpd process is hearing: recipients named before their entry is.

    Attributes:
        waiting: recipients named since the last message, and whether they asked for a report.
        entry: queue id that further recipients belong to; "" before `client=` and after the data began.
    """

    waiting: dict[str, bool | None] = {}
    entry: str = ""


class Memory(msgspec.Struct):
    """Everything a Postfix parser remembers.

    Attributes:
        version: of this format.
        entries: by queue id.
        talks: by process id.
        removed: queue ids in the order of their removal.
        clock: state of the line reader.
        second: the second of the last line, and how many lines it had.
        alike: how often each fact was told within that second.
    """

    version: int = 1
    entries: dict[str, Entry] = {}
    talks: dict[str, Talk] = {}
    removed: list[tuple[int, str]] = []
    clock: tuple[int | None, int, int] = (None, 0, 0)
    second: tuple[int, int] = (0, 0)
    alike: dict[str, int] = {}
