"""Messages as a client submits them, and when."""

import email
import re
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.lab.daemons import filled
from tests.lab.network import ALICE
from tests.lab.switch import Switch

_QUEUED = re.compile(rb"queued as (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One submission.

    Attributes:
        case: that it belongs to.
        recipients: of the envelope.
        queue_id: that the origin gave it.
        before: when the client began to send.
        after: when the origin had taken it.
    """

    case: str
    recipients: tuple[str, ...]
    queue_id: str
    before: datetime
    after: datetime


def now() -> datetime:
    """The truth's clock: that of this machine, in UTC as the warehouse has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def submit(origin: Switch, case: str, *recipients: str, sender: str = ALICE) -> Letter:
    """Send a message as a client does that asks for no delivery report, but for a receipt."""
    headers = {"From": sender, "To": ", ".join(recipients), "Subject": case, "Message-ID": f"<lab.{case}@origin.test>"}
    headers |= {"Disposition-Notification-To": sender}
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + f"\r\n{case}\r\n"
    with smtplib.SMTP(origin.address, origin.port, local_hostname="client.test") as client:
        client.ehlo()
        before = now()
        client.mail(sender)
        for recipient in recipients:
            client.rcpt(recipient)
        said = client.data(text)[1]
        after = now()
    queued = _QUEUED.search(said)
    assert queued, said
    return Letter(case=case, recipients=recipients, queue_id=queued[1].decode(), before=before, after=after)


def acknowledge(switch: Switch, message: bytes, reader: str) -> None:
    """Send the receipt that a mail client sends when its user has agreed (RFC 8098)."""
    read = email.message_from_bytes(message)
    to = read["Disposition-Notification-To"]
    values = {"READER": reader, "TO": to, "SUBJECT": read["Subject"], "ID": read["Message-ID"]}
    with smtplib.SMTP(switch.address, switch.port, local_hostname="client.test") as client:
        client.sendmail("", [to], filled("receipt.eml", values))
