"""The status part of a delivery report (RFC 3464): fields of the message, then a group of fields for each recipient.

Groups are told apart by empty lines; where some leave those out, by a field that comes again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.collect.reports_mail import Fields, Part, fields, first, grouped
from streams.collect.reports_text import action, address, replied, status, typed

RECIPIENTS = 2_000
"""Recipients of one report at most."""

WORDS = 500
"""Characters of a diagnostic that are kept."""

_AGAIN = frozenset({"final-recipient", "original-recipient", "action"})
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


def read(part: Part, failed: Sequence[str] = ()) -> tuple[Fields, list[Status]]:
    """The fields of the message, and what is said of each recipient.

    Args:
        part: the status part.
        failed: recipients that the report's own header names; one stands for a group that names none.
    """
    groups = _groups(part.content())
    about = groups[0] if groups else {}
    told = [group for group in groups if _OF_RECIPIENT & group.keys() or (group is not about and "action" in group)]
    return about, [_status(group, failed) for group in told]


def _groups(content: bytes) -> list[Fields]:
    found: list[list[tuple[str, str]]] = []
    for block in content.split(b"\n\n")[: RECIPIENTS * 2]:
        group: list[tuple[str, str]] = []
        for name, value in fields(block):
            if name in _AGAIN and any(name == one for one, _ in group):
                found.append(group)
                group = []
            group.append((name, value))
        found.append(group)
    return [grouped(group) for group in found if group]


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
