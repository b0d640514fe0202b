"""What a line of another system must say to mean anything, and how it is brought into the one form.

Rules:
- What would be taken in and count for nothing is refused: an alarm that it should have cleared would be false.
- Recipients are needed by what is of one recipient only; arrivals, what becomes of a whole queue entry, and
  notifications that a switch issued (`issued`, and `undelivered` where they reached nobody) have none. Events that were
  written out again say their leg: they may tell of a whole entry that it was refused or discarded, as Postfix does.
- What is about a stay in a queue says its host and queue id: without, an arrival would be stuck for ever, nowhere.
  X.400 knows a stay by the message's MTS-identifier, which is the same at every host. Where a line names no host, the
  stay is at its source's. A delivery, refusal or non-delivery that names no host is of the message, wherever it is.
- A `resubmitted` names the stay that it put the message into: without, the resend would be a message of its own.
- A `transferred` says its side, a `reported` its action. Actions are of a closed list for each kind, in any case; a
  status is that of RFC 3463, or X.411's two numbers `reason/diagnostic`.
- Addresses lose what a log puts around them: blanks and `<>`. Message keys are made in one way, given or not.
"""

import re
from typing import Any

from streams.core.events import OF_NOTICES, Kind
from streams.core.identity import named_key

OF_REPORTS = ("delivered", "failed", "delayed", "relayed", "expanded", *OF_NOTICES)
"""RFC 3464 2.3.3, and that a switch says it issued one, or that what it issued was not delivered itself."""

OF_RECEIPTS = ("displayed", "deleted", "dispatched", "processed", "denied")
"""RFC 8098 3.2.6.2, and those of RFC 2298 that are told (receipts.py)."""

OF_SWITCHES = ("expired", "forced")
"""Why a switch gave up."""

ACTIONS = (*OF_REPORTS, *OF_RECEIPTS, *OF_SWITCHES)

_ALLOWED = {
    Kind.SUBMITTED: OF_REPORTS,  # of the report that arrives
    Kind.TRANSFERRED: ("relayed",),
    Kind.REPORTED: (*OF_REPORTS, "dispatched", "processed", "denied"),
    Kind.READ: ("displayed",),
    Kind.NOT_READ: ("deleted", "dispatched", "processed", "denied"),
    Kind.REFUSED: OF_SWITCHES,
    Kind.NON_DELIVERED: OF_SWITCHES,
}
"""The actions that say something of each kind; of all others none does."""

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
        Kind.REFUSED,
        Kind.DISCARDED,
        Kind.FORWARDED,
    }
)
"""Kinds that do not end a whole queue entry; of a hand-over or a report `_is_of_one` knows more."""

_ALSO_OF_ENTRIES = frozenset({Kind.REFUSED, Kind.DISCARDED})
"""Those of them that Postfix tells of an entry, too, which `removed` ends then."""

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
        Kind.DISCARDED,
        Kind.QUARANTINED,
        Kind.REDIRECTED,
        Kind.FORWARDED,
    }
)
"""Kinds that are about a stay, which a host and its queue id name."""

_OF_MESSAGES = frozenset({Kind.DELIVERED, Kind.REFUSED, Kind.NON_DELIVERED})
"""Kinds that end a stay, and count for the message where they name none."""

OF_SUBJECTS = frozenset({Kind.REPORTED, Kind.READ, Kind.NOT_READ})
"""Kinds of what is a message of its own about another one: X.411's subject-identifier names that."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}|\d{1,5}/\d{1,5}", re.ASCII)
_ADDRESSES = ("recipient", "original_recipient", "originator")
_KEYS = ("message_key", "subject_key")


def settle(fields: dict[str, Any], host: str = "") -> None:
    """Bring the fields of a line into the one form, in place.

    Args:
        fields: of the line.
        host: whose evidence it is, where the line does not say.

    Raises:
        ValueError: they mean nothing; with the field.
    """
    for name in _ADDRESSES:
        if fields.get(name):
            fields[name] = _bare(fields[name], name)
    action = _action(fields.get("action"))
    fields["status"] = _status(fields.get("status"))
    fields["action"] = action
    _place(fields, host)
    for name in _KEYS:
        if fields.get(name):
            fields[name] = _key(fields[name], name)
    _refuse_what_is_missing(fields)
    _refuse_what_is_no_action(fields)


def _place(fields: dict[str, Any], host: str) -> None:
    """The stay that a line is about: the MTS-identifier is its number, the source's host where it is."""
    of_stay = _is_of_stay(fields)
    number = fields.get("queue_id") or ((of_stay or fields["kind"] in _OF_MESSAGES) and _mts_id(fields))
    if not fields.get("host") and host and (number or of_stay):
        fields["host"] = host
    if number and not fields.get("queue_id") and fields.get("host"):
        fields["queue_id"] = number
        if fields.get("side") == "sent" and fields.get("peer") and not fields.get("next_queue_id"):
            fields["next_queue_id"] = number


def _mts_id(fields: dict[str, Any]) -> str | None:
    """The message's MTS-identifier; where a report names another subject, the line's is the report's own."""
    number: str | None = fields.get("mts_id")
    is_own = fields["kind"] in OF_SUBJECTS and fields.get("subject_key") not in {None, "", number}
    return None if is_own else number


def _is_of_stay(fields: dict[str, Any]) -> bool:
    """Is it about a stay, and about nothing where it names none; a switch issues a notification of a stay."""
    return fields["kind"] in OF_QUEUES or (fields["kind"] is Kind.REPORTED and fields["action"] in OF_NOTICES)


def _bare(address: str, name: str) -> str:
    """An address alone; `<>` is the null sender, and as a recipient it is what Postfix calls one without a name."""
    bare = address.strip()
    if bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1].strip()
    return bare or ("" if name == "originator" or not address.strip() else "<>")


def _key(key: str, name: str) -> str:
    """A key as all collectors make it; one of a queue id (`/host/queue id`) stands as it is."""
    try:
        return key if key.startswith("/") else named_key(key)
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
    if not fields.get("leg"):
        _refuse_half_a_stay(fields)
    if kind is Kind.RESUBMITTED and not _names_next(fields):
        raise ValueError("next_queue_id: resubmitted needs the new one, and a peer")
    if _is_of_one(fields) and not fields.get("recipient"):
        raise ValueError(f"recipient: {kind.value} needs one")


def _refuse_half_a_stay(fields: dict[str, Any]) -> None:
    host, number, kind = fields.get("host"), fields.get("queue_id"), fields["kind"]
    if _is_of_stay(fields) and not (host and number):
        raise ValueError(f"queue_id: {_said(fields)} needs one, or an mts_id, and a host")
    if number and not host:
        raise ValueError("host: a queue_id needs one, or the source's")
    if host and not number and kind in _OF_MESSAGES:
        raise ValueError(f"queue_id: {kind.value} at a host needs that of the stay there, or an mts_id")


def _said(fields: dict[str, Any]) -> str:
    kind: Kind = fields["kind"]
    return f"{kind.value} {fields['action']}" if kind is Kind.REPORTED else kind.value


def _refuse_what_is_no_action(fields: dict[str, Any]) -> None:
    action, allowed = fields["action"], _actions(fields)
    if action and action not in allowed:
        has = ", ".join(allowed) or "none"
        raise ValueError(f"action: {action!r} says nothing of {fields['kind'].value}, which has {has}")


def _actions(fields: dict[str, Any]) -> tuple[str, ...]:
    """Those that a line may say; a receipt that takes its disposition back (RFC 8098 3.2.6.3) is told as a report."""
    kind = fields["kind"]
    if kind is Kind.TRANSFERRED and fields["side"] == "received":
        return OF_REPORTS
    if kind is Kind.REPORTED and any(one.startswith("modifier=") for one in fields.get("attributes", ())):
        return (*OF_REPORTS, *OF_RECEIPTS)
    return _ALLOWED.get(kind, ())


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
            return kind in ONE_RECIPIENT and not (fields.get("leg") and kind in _ALSO_OF_ENTRIES)
