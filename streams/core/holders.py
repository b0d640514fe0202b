"""Who holds a message last, and what holds it up: the cause that an operator reads first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.credit import unit_of
from streams.core.custody import Custody
from streams.core.facts import Times
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.leaving import left
from streams.core.terms import LATE


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
    queued = custody.stays()
    queued = queued[np.isin(chains.root(queued), wanted)]
    queued = queued[entries["arrived_at"][table["entry"][queued]] != NEVER]
    roots = chains.root(queued)
    arrived = entries["arrived_at"][table["entry"][queued]]
    gone = (left(custody, queued, "at") != NEVER) | (entries.take("left_at", table["entry"][queued]) != NEVER)
    order = np.lexsort([queued, arrived, ~gone, roots])
    last = {int(roots[i]): int(queued[i]) for i in order}
    held = _holders(custody, np.array(sorted(last.values()), np.int64))
    return [held[last[root]] if root in last else NOBODY for root in wanted.tolist()]


def _holders(custody: Custody, legs: Rows) -> dict[int, Holder]:
    """What is said of each of some legs in queues, by row."""
    entries = custody.legs["entry"][legs].astype(np.int64)
    times = [custody.entries.take(name, entries) for name in ("held_at", "released_at")]
    tried, hops = (custody.legs.take(name, legs) for name in ("tried", "hop"))
    found = {}
    for leg, entry, end, *state in zip(
        *(a.tolist() for a in (legs, entries, _ends(custody, legs, entries), *times, tried, hops)), strict=True
    ):
        host, queue_id = custody.entry_name(entry)
        cause = end.format(host) if end else _waits(custody, host, *state)
        found[leg] = Holder(host=host, queue_id=queue_id, cause=cause)
    return found


def _ends(custody: Custody, legs: Rows, entries: Rows) -> NDArray[np.str_]:
    """How stays ended, in words that want the host; "" where they have not."""
    left_at = left(custody, legs, "at")
    deleted, given_up, removed = (
        custody.entries.take(name, entries) for name in ("deleted_at", "refused_at", "left_at")
    )
    refused, discarded = (_of_chains(custody, name, legs) for name in ("refused_at", "discarded_at"))
    return np.select(
        [
            (left_at >= deleted) & (deleted != NEVER),
            ((left_at >= given_up) & (given_up != NEVER)) | ((left_at == refused) & (left_at != NEVER)),
            (left_at == discarded) & (left_at != NEVER),
            (left_at != NEVER) | (removed != NEVER),
        ],
        ["deleted by hand on {}", "given up on {}", "discarded or quarantined on {}", "left {}, not seen since"],
        "",
    )


def _of_chains(custody: Custody, name: str, legs: Rows) -> Times:
    """A column of what is known of the chains of some legs; NEVER where nothing is."""
    units = unit_of(custody, legs)
    known = units < len(custody.units)
    found = np.full(len(legs), NEVER, np.int64)
    found[known] = custody.units.take(name, units[known])
    return found


def _waits(custody: Custody, host: str, held: int, released: int, tried: int, hop_number: int) -> str:
    if held > released:
        return f"on hold on {host}"
    if tried != NEVER:
        hop = custody.names.text(hop_number)
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
    if proven and rule in LATE:
        return "delivered, but its report was not seen"
    return holder.cause
