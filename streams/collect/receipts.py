"""Receipts (RFC 8098, and RFC 2298 before it): what a recipient's user agent says became of a message.

Rules:
- Only `displayed` proves a read, and not where it reports an error; `deleted` is a non-receipt. What else there is
  (dispatched, processed, denied) is told and decides nothing.
- RFC 2298's `failed` is about the receipt, not about the message: it is not understood here, lest it look like a
  report.
"""

from typing import NamedTuple

from streams.collect.reports_mail import Fields, first
from streams.collect.reports_text import address, word
from streams.core.events import Kind

_KINDS = {
    "displayed": Kind.READ,
    "deleted": Kind.NOT_READ,
    "dispatched": Kind.REPORTED,
    "processed": Kind.REPORTED,
    "denied": Kind.REPORTED,
}
_ERRORS = frozenset({"error", "failure"})
"""Modifiers that take a disposition back (RFC 8098 3.2.6.3, RFC 2298 3.2.6.3)."""


class Receipt(NamedTuple):
    """What a receipt says.

    Attributes:
        kind: of the event.
        action: the disposition type.
        mode: how it came about, `manual-action/mdn-sent-manually`.
        modifier: "" where there is none.
        recipient: whose receipt it is, as the originator knows them.
        original: the Original-Recipient field, or "".
        message_id: of the message it is about; "" where the fields do not say.
    """

    kind: Kind
    action: str
    mode: str
    modifier: str
    recipient: str
    original: str
    message_id: str


def receipt(fields: Fields) -> Receipt | None:
    """A receipt, or None where its disposition or its recipient is missing or unknown."""
    mode, semicolon, told = first(fields, "disposition").partition(";")
    action, _, modifier = word(told if semicolon else mode).partition("/")
    original, final = (address(first(fields, name)) for name in ("original-recipient", "final-recipient"))
    kind = _KINDS.get(action)
    if kind is None or not (original or final):
        return None
    return Receipt(
        kind=Kind.REPORTED if _ERRORS & set(modifier.split(",")) else kind,
        action=action,
        mode=word(mode) if semicolon else "",
        modifier=modifier,
        recipient=original or final,
        original=original,
        message_id=first(fields, "original-message-id"),
    )
