"""A look at evidence without a broker: counts, findings, and what cannot be seen in it."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from streams.collect import ending
from streams.collect.declaration import Declaration
from streams.collect.evidence import Evidence
from streams.collect.guess import own
from streams.collect.parser import Counts
from streams.collect.strangers import Strangers
from streams.core.answers import report_states
from streams.core.clock import BEGINNING, Clock, Tick
from streams.core.custody import Custody
from streams.core.events import OF_NOTICES, Kind, MessageEvent, Traffic
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.core.holders import NOBODY, cause, holders
from streams.core.terms import Terms

BATCH = 50_000
_MAILBOX = "mailbox="
"""What an event of a store names."""


@dataclass(slots=True)
class Look:
    """What a look saw.

    Attributes:
        counts: by source.
        kinds: how many events of each kind.
        traffic: how many submissions and arrivals of each class, by recipient.
        ours: was anything submitted by one of ours, its recipients named or not.
        asked: how many submissions of ours asked for a report, by yes, no and unknown.
        reports: how many reports came; what Postfix merely says of those that it issued is none.
        states: how many units' reports are in each state, by its name.
        stores: how many lines of stores' logs, and events of stores otherwise, were read.
        through: latest time seen, microseconds; None: no time was.
        found: findings: rule, what about, raised, cleared, cause.
        undeclared: hosts that are there and not declared, with what to do.
        beyond: which sources go on after the declared end, a sentence each.
    """

    counts: dict[str, Counts] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    traffic: Counter[str] = field(default_factory=Counter)
    ours: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    reports: int = 0
    states: Counter[str] = field(default_factory=Counter)
    stores: int = 0
    through: int | None = None
    found: list[dict[str, Any]] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    @property
    def is_blank(self) -> bool:
        """Did no event come of anything: then it means nothing that nothing is found."""
        return not self.kinds

    def unseen(self) -> list[str]:
        """What this evidence cannot show."""
        said = []
        if not self.ours:
            said.append("No submission of ours is declared or recognised: nothing can be owed a report.")
        if not self.stores:
            receipts = self.kinds[Kind.READ] + self.kinds[Kind.NOT_READ]
            how = "is known where a receipt says so, and nowhere else" if receipts else "cannot be seen"
            said.append(f"No store's log: whether anything was read {how}.")
        if not self.reports:
            said.append("No delivery reports: what the next party said later cannot be seen.")
        if self.traffic[Traffic.OURS] and not self.asked["yes"]:
            said.append("No positive report was asked for: none can be overdue under the default terms.")
        return said


def look(declaration: Declaration, terms: Terms) -> Look:
    """Read everything and find what is to be found at its end.

    Raises:
        Misuse: a source cannot be read as declared.
    """
    evidence, seen = Evidence(declaration, share=own), Look()
    custody, clock, strangers = Custody(terms=terms), Clock(), Strangers(declaration)
    for batch in _batches(evidence.events()):
        _count(seen, batch)
        strangers.hear(batch)
        custody.fold(facts(frame_of(batch), BEGINNING))
    seen.counts, seen.through = evidence.counts, declaration.until or evidence.through or None
    ending.refuse_future(declaration.until, evidence.through, time.time_ns() // 1000)
    seen.beyond = ending.beyond(declaration.until, evidence.ends)
    seen.stores += sum(seen.counts[one.name].pieces for one in declaration.sources if one.kind == "dovecot")
    clock.hear(Tick(through=seen.through or 0))
    seen.states = Counter(state.value for state in report_states(custody, clock)[1])
    seen.found, seen.undeclared = list(_found(custody, clock)), strangers.said()
    return seen


def _batches(events: Iterator[MessageEvent]) -> Iterator[list[MessageEvent]]:
    while batch := list(islice(events, BATCH)):
        yield batch


def _count(seen: Look, batch: list[MessageEvent]) -> None:
    seen.kinds.update(event.kind for event in batch)
    seen.reports += sum(event.kind is Kind.REPORTED and event.action not in OF_NOTICES for event in batch)
    seen.stores += sum(any(one.startswith(_MAILBOX) for one in event.attributes) for event in batch)
    arrivals = [(event, traffic) for event in batch if (traffic := _class(event))]
    seen.ours |= any(traffic is Traffic.OURS for _, traffic in arrivals)
    seen.traffic.update(traffic for event, traffic in arrivals if event.recipient)
    words = {True: "yes", False: "no", None: "unknown"}
    ours = (event for event, traffic in arrivals if event.recipient and traffic is Traffic.OURS)
    seen.asked.update(words[event.report_requested] for event in ours)


def _class(event: MessageEvent) -> Traffic | None:
    """Of an arrival; a submission that says none is one of ours, as custody has it."""
    return event.traffic or (Traffic.OURS if event.kind is Kind.SUBMITTED else None)


def _found(custody: Custody, clock: Clock) -> Iterator[dict[str, Any]]:
    for one in findings(custody, clock):
        by_leg = one.subject == "leg"
        table = custody.about(one.subject)
        held = holders(custody, one.rows) if by_leg else [NOBODY] * len(one.rows)
        for n, row in enumerate(one.rows.tolist()):
            host, queue_id, recipient = custody.leg_name(row) if by_leg else (*custody.entry_name(row), "")
            proven = bool(one.proven[n])
            cleared = int(one.cleared[n])
            yield {
                "rule": one.rule,
                "host": host,
                "queue_id": queue_id,
                "recipient": recipient,
                "message_key": custody.message_key(int(table["message"][row])),
                "raised_at": int(one.raised[n]),
                "cleared_at": cleared if cleared <= clock.through else None,
                "proven": proven,
                "cause": cause(one.rule, held[n], recipient, proven=proven) if by_leg else "",
            }
