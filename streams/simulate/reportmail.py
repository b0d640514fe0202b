"""Delivery reports as the mails that Postfix's bounce(8) makes (RFC 3464), as they lie in the originator's mailbox.

Rules:
- The mail's first Received line tells when it reached the mailbox, in whole seconds.
- The last part holds the original's headers, its Received lines newest first: they name every stay.
- A line of the status part is folded before it is longer than Postfix makes it.
"""

import textwrap
from collections.abc import Callable, Iterator
from email.utils import formatdate
from functools import lru_cache

from streams.simulate.acts import Reported, Stay, Told
from streams.simulate.directory import Directory

SECOND = 1_000_000
Clock = Callable[[str, int], int]
"""The time that a host's clock shows at a true time."""

_WIDTH = 79
_FAILED = """\
I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message."""
_DELAYED = """\
####################################################################
# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #
####################################################################

Your message could not be delivered for more than 1 hour(s).
It will be retried until it is 5 day(s) old.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message."""
_DONE = """\
Your message was successfully delivered to the destination(s)
listed below. If the message was delivered to mailbox you will
receive no further notifications. Otherwise you may still receive
notifications of mail delivery errors from other systems."""
_SAYS = {
    "failed": ("Undelivered Mail Returned to Sender", _FAILED, "Undelivered Message Headers"),
    "delayed": ("Delayed Mail (still being retried)", _DELAYED, "Undelivered Message Headers"),
}
_SUCCESS = ("Successful Mail Delivery Report", _DONE, "Message Headers")


def report(act: Reported, directory: Directory, clock: Clock) -> bytes:
    """The mail of a delivery report."""
    at, by = clock(act.host, act.at), directory.full(act.by) or "mta.invalid"
    mark = f"{act.by_queue_id or act.queue_id}.{at // SECOND}/{by}"
    subject, words, headers = _SAYS.get(act.told[0].action if act.told else "", _SUCCESS)
    lines = [
        "Return-Path: <>",
        f"Delivered-To: {act.sender}",
        *received(Stay(host=act.host, queue_id=act.queue_id, at=at), act.by, act.sender, directory),
        *_made(act, by, at),
        f"From: Mail Delivery System <MAILER-DAEMON@{by}>",
        f"Subject: {subject}",
        f"To: {act.sender}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{mark}"',
        "Content-Transfer-Encoding: 8bit",
        *([f"Message-Id: {act.report_id}"] if act.report_id else []),
        "",
        "This is a MIME-encapsulated message.",
        *_part(mark, "Notification", "text/plain; charset=utf-8"),
        *_words(act, by, words),
        "",
        *_part(mark, "Delivery report", "message/delivery-status"),
        *_status(act, directory),
        "",
        *_part(mark, headers, "text/rfc822-headers"),
        *original(act.sender, act.told[0].original if act.told else "", act.trace, act.message_id, directory),
        "",
        f"--{mark}--",
        "",
    ]
    return "\n".join(lines).encode("utf-8", "replace")


def received(stay: Stay, peer: str, recipient: str, directory: Directory) -> list[str]:
    """The Received line of a stay."""
    to = f"\n\tfor <{recipient}>; " if recipient else ";\n\t"
    return [
        f"Received: from {directory.full(peer)} ({directory.client(peer).replace('[', ' [')})",
        f"\tby {directory.full(stay.host)} (Postfix) with ESMTP id {stay.queue_id}{to}{date(stay.at)} (UTC)",
    ]


def original(sender: str, recipient: str, trace: tuple[Stay, ...], message_id: str, directory: Directory) -> list[str]:
    """The headers of the message that a report or receipt is about; what was not there is not here."""
    lines = [f"Return-Path: <{sender}>"]
    for number in range(len(trace) - 1, -1, -1):
        peer = trace[number - 1].host if number else "client.invalid"
        lines += received(trace[number], peer, recipient, directory)
    lines += [f"From: {sender}", *([f"To: {recipient}"] if recipient else []), "Subject: report"]
    if trace:
        lines.append(f"Date: {date(trace[0].at)}")
    return [*lines, *([f"Message-ID: {message_id}"] if message_id else [])]


def date(at: int) -> str:
    """A time as RFC 5322 has it: whole seconds."""
    return _date(at // SECOND)


@lru_cache(maxsize=4096)
def _date(second: int) -> str:
    return formatdate(second).replace("-0000", "+0000")


def _made(act: Reported, by: str, at: int) -> Iterator[str]:
    """Where the report was made; its queue id is the left half of its Message-ID."""
    own = act.report_id.strip("<>").partition("@")[0]
    if own:
        yield f"Received: by {by} (Postfix)"
        yield f"\tid {own}; {date(at)} (UTC)"
    yield f"Date: {date(at)} (UTC)"


def _part(mark: str, description: str, kind: str) -> list[str]:
    encoding = ["Content-Transfer-Encoding: 8bit"] if kind.startswith("text/") else []  # RFC 3464 2.1: seven bits
    return ["", f"--{mark}", f"Content-Description: {description}", f"Content-Type: {kind}", *encoding, ""]


def _words(act: Reported, by: str, words: str) -> Iterator[str]:
    yield f"This is the mail system at host {by}."
    yield ""
    yield from words.split("\n")
    yield ""
    yield "                   The mail system"
    for told in act.told:
        yield ""
        yield from _folded(f"<{told.final}>: {told.diagnostic or told.status}")


def _status(act: Reported, directory: Directory) -> Iterator[str]:
    if act.by:
        yield f"Reporting-MTA: dns; {directory.full(act.by)}"
    if act.envelope_id:
        yield f"Original-Envelope-Id: {act.envelope_id}"
    if act.by_queue_id:
        yield f"X-Postfix-Queue-ID: {act.by_queue_id}"
    yield f"X-Postfix-Sender: rfc822; {act.sender}"
    if act.by_arrived:
        yield f"Arrival-Date: {date(act.by_arrived)} (UTC)"
    for told in act.told:
        yield ""
        yield from _recipient(told, directory)


def _recipient(told: Told, directory: Directory) -> Iterator[str]:
    yield f"Final-Recipient: rfc822; {told.final}"
    if told.original:
        yield f"Original-Recipient: rfc822;{told.original}"
    yield f"Action: {told.action}"
    yield f"Status: {told.status}"
    if told.remote:
        yield f"Remote-MTA: dns; {directory.full(told.remote)}"
    if told.diagnostic:
        yield from _folded(f"Diagnostic-Code: {'smtp' if told.remote else 'X-Postfix'}; {told.diagnostic}")


def _folded(line: str) -> list[str]:
    if len(line) <= _WIDTH:
        return [line]
    return textwrap.wrap(line, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
