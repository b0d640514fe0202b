"""The truth beside the evidence: what really happened to every message, and the verdict that the evidence allows.

Rules:
- What happened is told from the acts, by true time, whatever became of their evidence.
- What is due is told from the evidence, by the rules of truth.py; both have the fault that brought it about.
- One message and one finding a line, so that a line tool finds it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from streams.simulate.acts import (
    Act,
    Attempted,
    Entered,
    Expired,
    Expunged,
    Opened,
    Order,
    Ordered,
    Receipted,
    Reported,
    Stored,
)
from streams.simulate.dossier import NEVER
from streams.simulate.letters import REPORT, Ticket
from streams.simulate.stage import Played
from streams.simulate.truth import Due, Name

TRUTH = "truth.json"
"""Name of the file."""

Happened = dict[str, Any]

_LOST = frozenset({"lost-inside", "twin-lost:second", "dropped", "stranded", "report-lost"})
"""Faults of messages that leave nothing of them."""


def write(path: Path, played: Played, due: dict[Name, Due]) -> None:
    """Write the truth of a world.

    Args:
        path: of the file.
        played: the world.
        due: findings, by the truth; see Truth.due.
    """
    lists = {
        "troubles": _troubles(played),
        "messages": messages(played),
        "findings": (_finding(one) for one in sorted(due.values(), key=lambda one: (one.raised, one.name))),
    }
    with path.open("wb") as out:
        head = {"seed": played.world.seed, "since": _time(played.world.since), "until": _time(played.world.until)}
        out.write(msgspec.json.encode(head)[:-1])
        for name, rows in lists.items():
            out.write(f',\n"{name}": [\n'.encode())
            out.write(b",\n".join(msgspec.json.encode(row) for row in rows))
            out.write(b"\n]")
        out.write(b"}\n")


def messages(played: Played) -> Iterator[Happened]:
    """What happened to each message, in the order in which they were first given to a mail system."""
    told = _told(played)
    letters: dict[int, list[Ticket]] = defaultdict(list)
    for ticket in played.tickets:
        letters[ticket.letter].append(ticket)
    for tickets in letters.values():
        first = tickets[0]
        entered = next((act for act in told[first.number] if isinstance(act, Entered)), None)
        yield {
            "message_id": entered.message_id if entered else "",
            "kind": first.kind,
            "originator": entered.sender if entered else "",
            "host": first.host,
            "queue_id": first.queue_id,
            "submitted_at": _time(first.at) if first.host else None,
            "fault": first.fault,
            "recipients": [_recipient(ticket, told[ticket.number], played) for ticket in tickets],
        }


def _told(played: Played) -> dict[int, list[Act]]:
    """The acts about each ticket."""
    found: dict[int, list[Act]] = defaultdict(list)
    for act, marks in zip(played.world.acts, played.marks, strict=True):
        for number in marks:
            found[number].append(act)
    return found


def _recipient(ticket: Ticket, acts: list[Act], played: Played) -> Happened:
    fate, at, where = _fate(ticket, acts, frozenset(peer.name for peer in played.network.peers))
    return {
        "recipient": ticket.recipient,
        "fate": fate,
        "at": _time(at) if at else None,
        "where": where,
        "in_the_way": sorted(ticket.touched),
        "stored": [f"{act.user}/{act.mailbox}/{act.uid}" for act in acts if isinstance(act, Stored)],
        "opened_at": _first(acts, Opened),
        "thrown_away_at": _first([act for act in acts if isinstance(act, Expunged) and not act.seen], Expunged),
        "report_at": _first(acts, Reported),
        "receipt_at": _first(acts, Receipted),
        "by_hand": [f"{act.order} on {act.host}" for act in acts if isinstance(act, Ordered)],
    }


def _fate(ticket: Ticket, acts: Iterable[Act], peers: frozenset[str]) -> tuple[str, int, str]:
    """What became of it in the end, when, and where; a copy in a mailbox outweighs all else."""
    ends = [end for act in acts if (end := _end(act, peers))]
    for wanted in ("stored", "handed out", "refused", "deleted"):
        for end in ends:
            if end[0] == wanted:
                return end
    if ticket.fault in _LOST and (ticket.place or ticket.kind == REPORT):  # the place is its subject's
        return "lost", 0, ticket.place
    if "disk-lost" in ticket.touched:
        return "lost", 0, ""
    return ("on hold", 0, ticket.place) if ticket.fault == "held" and ticket.place else ("under way", 0, "")


def _end(act: Act, peers: frozenset[str]) -> tuple[str, int, str] | None:
    match act:
        case Stored():
            return "stored", act.at, act.host
        case Attempted(status="sent", relay=relay) if relay in peers:
            return "handed out", act.at, relay
        case Attempted(status="bounced") | Expired():
            return "refused", act.at, act.host
        case Ordered(order=Order.DELETED):
            return "deleted", act.at, act.host
        case _:
            return None


def _first(acts: Iterable[Act], kind: type[Act]) -> str | None:
    return next((_time(act.at) for act in acts if isinstance(act, kind)), None)


def _troubles(played: Played) -> Iterator[Happened]:
    """What went wrong with places; a clock that was wrong says by how much, a source what became of its evidence."""
    for fault, where, since, until in played.planted:
        yield {"fault": fault, "where": where, "since": _time(since), "until": _time(until)}
    for skew in played.world.skews:
        spans = {"since": _time(skew.since), "until": _time(skew.until)}
        yield {"clock_of": skew.host, "wrong_by_seconds": skew.by // 1_000_000, **spans}
    for gap in played.world.gaps:
        yield {"source": gap.source, "evidence": gap.fate, "since": _time(gap.since), "until": _time(gap.until)}


def _finding(one: Due) -> Happened:
    rule, host, queue_id, recipient = one.name
    return {
        "rule": rule,
        "host": host,
        "queue_id": queue_id,
        "recipient": recipient,
        "raised": _time(one.raised),
        "cleared": None if one.cleared == NEVER else _time(one.cleared),
        "fault": one.fault,
    }


def _time(at: int) -> str:
    second, micros = divmod(at, 1_000_000)
    moment = datetime.fromtimestamp(second, UTC).replace(microsecond=micros)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
