"""What a line of another system must say to mean anything, and how it is brought into the one form.

Rules:
- What would be taken in and count for nothing is refused: an alarm that it should have cleared would be false.
- Recipients are needed by what is of one recipient only; arrivals, what becomes of a whole queue entry, and
  notifications that a switch issued (`issued`, and `undelivered` where they reached nobody) have none.
- What is about a stay in a queue says its host and queue id: without, an arrival would be stuck for ever, nowhere.
- A `resubmitted` names the stay that it put the message into: without, the resend would be a message of its own.
- A `transferred` says its side, a `reported` its action. Actions are of a closed list, in any case; a status is that of
  RFC 3463, or X.411's two numbers `reason/diagnostic`.
- Addresses lose what a log puts around them: blanks and `<>`. Message keys are made in one way, given or not.
"""

import re
from typing import Any

from streams.core.events import OF_NOTICES, Kind
from streams.core.identity import message_key

OF_REPORTS = ("delivered", "failed", "delayed", "relayed", "expanded", *OF_NOTICES)
"""RFC 3464 2.3.3, and that a switch says it issued one, or that what it issued was not delivered itself."""

OF_RECEIPTS = ("displayed", "deleted", "dispatched", "processed", "denied")
"""RFC 8098 3.2.6.2, and those of RFC 2298 that are told (receipts.py)."""

OF_SWITCHES = ("expired", "forced")
"""Why a switch gave up."""

ACTIONS = (*OF_REPORTS, *OF_RECEIPTS, *OF_SWITCHES)

ONE_RECIPIENT = frozenset(
    {
        Kind.DEFERRED,
        Kind.DELIVERED,
        Kind.READ,
        Kind.NOT_READ,
        Kind.REDIRECTED,
        Kind.QUARANTINED,
        Kind.DISCHARGED,
        Kind.NON_DELIVERED,
        Kind.RESUBMITTED,
    }
)
"""Kinds that say nothing of a whole queue entry; of a hand-over or a report `_is_of_one` knows more."""

OF_QUEUES = frozenset(
    {
        Kind.SUBMITTED,
        Kind.TRANSFERRED,
        Kind.DEFERRED,
        Kind.REMOVED,
        Kind.DELETED,
        Kind.REROUTED,
        Kind.RESUBMITTED,
        Kind.HELD,
        Kind.RELEASED,
    }
)
"""Kinds that are about a stay, which a host and its queue id name."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}|\d{1,5}/\d{1,5}", re.ASCII)
_ADDRESSES = ("recipient", "original_recipient", "originator")
_KEYS = ("message_key", "subject_key")


def settle(fields: dict[str, Any]) -> None:
    """Bring the fields of a line into the one form, in place.

    Raises:
        ValueError: they mean nothing; with the field.
    """
    for name in _ADDRESSES:
        if fields.get(name):
            fields[name] = _bare(fields[name], name)
    for name in _KEYS:
        if fields.get(name):
            fields[name] = _key(fields[name], name)
    fields["action"] = _action(fields.get("action"))
    fields["status"] = _status(fields.get("status"))
    _refuse_what_is_missing(fields)


def _bare(address: str, name: str) -> str:
    """An address alone; `<>` is the null sender, and as a recipient it is what Postfix calls one without a name."""
    bare = address.strip()
    if bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1].strip()
    return bare or ("" if name == "originator" or not address.strip() else "<>")


def _key(key: str, name: str) -> str:
    """A key as all collectors make it; one of a queue id (`/host/queue id`) stands as it is."""
    try:
        return key if key.startswith("/") else message_key(key)
    except ValueError as error:
        raise ValueError(f"{name}: {key!r} names no message") from error


def _action(said: str | None) -> str | None:
    action = (said or "").strip().lower()
    if action and action not in ACTIONS:
        raise ValueError(f"action: {said!r} is none of {', '.join(ACTIONS)}")
    return action or None


def _status(said: str | None) -> str | None:
    status = (said or "").strip()
    if status and not _STATUS.fullmatch(status):
        raise ValueError(f"status: {said!r} is no RFC 3463 status such as 4.4.1, nor X.411's reason/diagnostic")
    return status or None


def _refuse_what_is_missing(fields: dict[str, Any]) -> None:
    kind = fields["kind"]
    if kind is Kind.TRANSFERRED and not fields.get("side"):
        raise ValueError("side: transferred needs sent, received or moved")
    if kind is Kind.REPORTED and not fields["action"]:
        raise ValueError(f"action: reported needs one of {', '.join(OF_REPORTS)}")
    if kind in OF_QUEUES and not (fields.get("leg") or (fields.get("host") and fields.get("queue_id"))):
        raise ValueError(f"queue_id: {kind.value} needs one, or an mts_id, and a host")
    if kind is Kind.RESUBMITTED and not _names_next(fields):
        raise ValueError("next_queue_id: resubmitted needs the new one, and a peer")
    if _is_of_one(fields) and not fields.get("recipient"):
        raise ValueError(f"recipient: {kind.value} needs one")


def _names_next(fields: dict[str, Any]) -> bool:
    return bool(fields.get("next_leg") or (fields.get("peer") and fields.get("next_queue_id")))


def _is_of_one(fields: dict[str, Any]) -> bool:
    """A hand-over is of one recipient where who gave tells it, and a report unless a switch says what it issued."""
    match fields["kind"]:
        case Kind.TRANSFERRED:
            return bool(fields["side"] != "received")
        case Kind.REPORTED:
            return fields["action"] not in OF_NOTICES
        case kind:
            return kind in ONE_RECIPIENT
