"""The status part of a delivery report (RFC 3464): fields of the message, then a group of fields for each recipient.

Groups are told apart by empty lines; where some leave those out, by a field that comes again.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from streams.collect.reports_mail import CUT, Fields, Part, fields, first, grouped
from streams.collect.reports_text import action, address, replied, status, typed

RECIPIENTS = 2_000
"""Recipients of one report at most."""

GROUPS, FIELDS = RECIPIENTS * 2, RECIPIENTS * 20
"""Groups and fields of one report at most: RFC 3464 has nine fields of a recipient, and some add their own."""

WORDS = 500
"""Characters of a diagnostic that are kept."""

_AGAIN = frozenset({"final-recipient", "original-recipient", "action"})
_EMPTY = re.compile(rb"\n{2,}")
_OF_RECIPIENT = frozenset({"final-recipient", "original-recipient"})


class Status(NamedTuple):
    """What a report says of one recipient.

    Attributes:
        recipient: Final-Recipient, else Original-Recipient; "" where neither is there.
        original: Original-Recipient; "" where it is not there.
        action: failed, delayed, delivered, relayed, expanded, or what it says instead.
        status: RFC 3463, of the peer's reply where the field does not say; or None.
        diagnostic: the peer's words, or None.
        remote: Remote-MTA; "" where it is not there.
    """

    recipient: str
    original: str
    action: str
    status: str | None
    diagnostic: str | None
    remote: str


class Told(NamedTuple):
    """What a status part tells.

    Attributes:
        about: the fields of the message.
        recipients: `RECIPIENTS` at most.
        cut: which bound left out others; "" where none did.
    """

    about: Fields
    recipients: list[Status]
    cut: str


def read(part: Part, failed: Sequence[str] = ()) -> Told:
    """What is said of the message, and of each recipient.

    Args:
        part: the status part.
        failed: recipients that the report's own header names; one stands for a group that names none.
    """
    groups, cut = _groups(part)
    about = groups[0] if groups else {}
    told = [group for group in groups if _OF_RECIPIENT & group.keys() or (group is not about and "action" in group)]
    if len(told) > RECIPIENTS:
        cut = f"a report of more than {RECIPIENTS} recipients"
    return Told(about, [_status(group, failed) for group in told[:RECIPIENTS]], cut)


def _groups(part: Part) -> tuple[list[Fields], str]:
    found: list[list[tuple[str, str]]] = []
    left = FIELDS
    blocks = _EMPTY.split(part.content(), GROUPS)
    for block in blocks[:GROUPS]:
        group: list[tuple[str, str]] = []
        pairs = fields(block, left)
        left -= len(pairs)
        for name, value in pairs:
            if name in _AGAIN and any(name == one for one, _ in group):
                found.append(group)
                group = []
            group.append((name, value))
        found.append(group)
    if not left or not part.whole:
        found.pop()  # half a group may say something else than the whole one
    bounds = (
        (len(blocks) > GROUPS, f"a report of more than {GROUPS} groups"),
        (not left, f"a report cut at {FIELDS} fields"),
        (not part.whole, CUT),
    )
    return [grouped(group) for group in found if group], next((reason for hit, reason in bounds if hit), "")


def _status(group: Fields, failed: Sequence[str]) -> Status:
    final, original = (address(first(group, name)) for name in ("final-recipient", "original-recipient"))
    number = status(first(group, "status")) or replied(first(group, "diagnostic-code"))
    lone = failed[0] if len(failed) == 1 else ""
    return Status(
        recipient=final or original or lone,
        original=original,
        action=action(first(group, "action"), number),
        status=number,
        diagnostic=typed(first(group, "diagnostic-code"))[:WORDS] or None,
        remote=typed(first(group, "remote-mta"))[:WORDS],
    )
