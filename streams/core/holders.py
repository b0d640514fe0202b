"""Who holds a message last, and what holds it up: the cause that an operator reads first."""

from dataclasses import dataclass

import numpy as np

from streams.core.custody import Custody
from streams.core.index import Rows
from streams.core.lattice import NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The last queue known to have held a message for a recipient.

    Attributes:
        host: "" where no queue is known.
        queue_id: there.
        cause: in words that are the same for all that one cause holds up.
    """

    host: str
    queue_id: str
    cause: str


NOBODY = Holder(host="", queue_id="", cause="no queue is known to hold it")


def holders(custody: Custody, legs: Rows) -> list[Holder]:
    """The last holder of the chain of each leg."""
    table, entries, chains = custody.legs, custody.entries, custody.chains
    wanted = chains.root(legs)
    queued = np.flatnonzero(table["entry"] >= 0)
    queued = queued[np.isin(chains.root(queued), wanted)]
    queued = queued[entries["arrived_at"][table["entry"][queued]] != NEVER]
    roots = chains.root(queued)
    arrived = entries["arrived_at"][table["entry"][queued]]
    left = (table["left_at"][queued] != NEVER) | (entries["left_at"][table["entry"][queued]] != NEVER)
    order = np.lexsort([queued, arrived, ~left, roots])
    last = {int(roots[i]): int(queued[i]) for i in order}
    return [_holder(custody, last.get(int(root))) for root in wanted]


def _holder(custody: Custody, leg: int | None) -> Holder:
    if leg is None:
        return NOBODY
    entry = int(custody.legs["entry"][leg])
    host, queue_id = custody.names.get(int(custody.entries["name"][entry]))[:2]
    return Holder(host=host, queue_id=queue_id, cause=_cause(custody, leg, entry, host))


def _cause(custody: Custody, leg: int, entry: int, host: str) -> str:
    entries, legs = custody.entries, custody.legs
    if entries["deleted_at"][entry] != NEVER and legs["left_at"][leg] >= entries["deleted_at"][entry]:
        return f"deleted by hand on {host}"
    if legs["left_at"][leg] != NEVER or entries["left_at"][entry] != NEVER:
        return f"left {host}, not seen since"
    if entries["held_at"][entry] > entries["released_at"][entry]:
        return f"on hold on {host}"
    hop = custody.names.text(int(legs["hop"][leg])) if legs["tried"][leg] != NEVER else ""
    if legs["tried"][leg] != NEVER:
        return f"{host} cannot hand on to {hop}" if hop else f"{host} cannot hand on"
    return f"waiting on {host}"


_MAILBOX = frozenset({"unread", "not-read", "duplicate"})
_MESSAGE = {
    "identity-reused": "one Message-ID, submitted again",
    "uncorroborated-report": "a report of a message that nobody saw submitted",
    "misrouted": "handed on for another recipient, and nothing says why",
}


def cause(rule: str, holder: Holder, recipient: str, *, proven: bool) -> str:
    """What a finding is because of, in words that are the same for all that one cause brings about."""
    if rule in _MAILBOX:
        return f"mailbox of {recipient}"
    if rule in _MESSAGE:
        return _MESSAGE[rule]
    if rule == "refused":
        return f"given up on {holder.host}" if holder.host else "given up"
    if proven and rule in {"overdue", "blind"}:
        return "delivered, but its report was not seen"
    return holder.cause
