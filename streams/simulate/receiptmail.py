"""Receipts as the mails that user agents send (RFC 8098), as they lie in the originator's mailbox."""

from streams.simulate.acts import Receipted, Stay
from streams.simulate.directory import Directory
from streams.simulate.reportmail import SECOND, Clock, date, original, received


def receipt(act: Receipted, directory: Directory, clock: Clock) -> bytes:
    """The mail of a receipt; without a trace it names the message by its Message-ID alone."""
    at = clock(act.host, act.at)
    mark = f"mdn{at // SECOND:x}{act.queue_id}"
    mode = "manual-action/MDN-sent-manually" if act.by_hand else "automatic-action/MDN-sent-automatically"
    stay = Stay(host=act.host, queue_id=act.queue_id, at=at)
    headers = [
        "",
        f"--{mark}",
        "Content-Type: text/rfc822-headers",
        "",
        *original("", act.original, act.trace, act.message_id, directory)[1:],
    ]
    lines = [
        "Return-Path: <>",
        *received(stay, "mail.invalid", "", directory),
        f"From: {act.final}",
        "Subject: Read: report",
        f"Date: {date(at)}",
        *([f"Message-ID: {act.receipt_id}"] if act.receipt_id else []),
        *([f"In-Reply-To: {act.message_id}"] if act.message_id else []),
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=disposition-notification;",
        f'\tboundary="{mark}"',
        "",
        f"--{mark}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"The message sent to {act.final} has been {act.disposition}.",
        "",
        f"--{mark}",
        "Content-Type: message/disposition-notification",
        "",
        "Reporting-UA: mail.invalid; Mail 1.0",
        *([f"Original-Recipient: rfc822;{act.original}"] if act.original else []),
        f"Final-Recipient: rfc822;{act.final}",
        *([f"Original-Message-ID: {act.message_id}"] if act.message_id else []),
        f"Disposition: {mode}; {act.disposition}",
        *(headers if act.trace else []),
        "",
        f"--{mark}--",
        "",
    ]
    return "\n".join(lines).encode("utf-8", "replace")
