"""Messages as a client submits them, and when."""

import re
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.lab.network import ALICE
from tests.lab.switch import Switch

_QUEUED = re.compile(rb"queued as (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One submission.

    Attributes:
        case: that it belongs to.
        recipient: of the envelope.
        queue_id: that the origin gave it.
        before: when the client began to send.
        after: when the origin had taken it.
    """

    case: str
    recipient: str
    queue_id: str
    before: datetime
    after: datetime


def now() -> datetime:
    """The truth's clock: that of this machine, in UTC as the warehouse has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def submit(origin: Switch, case: str, recipient: str, *, sender: str = ALICE) -> Letter:
    """Send a message as a client does that asks for no report."""
    headers = {"From": sender, "To": recipient, "Subject": case, "Message-ID": f"<lab.{case}@origin.test>"}
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + f"\r\n{case}\r\n"
    with smtplib.SMTP(origin.address, origin.port, local_hostname="client.test") as client:
        client.ehlo()
        before = now()
        client.mail(sender)
        client.rcpt(recipient)
        said = client.data(text)[1]
        after = now()
    queued = _QUEUED.search(said)
    assert queued, said
    return Letter(case=case, recipient=recipient, queue_id=queued[1].decode(), before=before, after=after)
