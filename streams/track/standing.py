"""Where what is open stands at a moment: what every queue owes, and what became of the reports that were promised.

Rules:
- It is of messages that have not closed; what has closed is settled.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from streams.core.answers import report_states
from streams.core.queues import Queue, queues
from streams.track.part import Part


@dataclass(slots=True)
class Standing:
    """What some partitions hold.

    Attributes:
        queues: that owe something, by host and next hop.
        reports: how many units' reports are in each state, by its name.
    """

    queues: dict[tuple[str, str], Queue] = field(default_factory=dict)
    reports: Counter[str] = field(default_factory=Counter)

    def count(self, part: Part, until: int | None = None) -> None:
        """Add what a partition holds; reports are late by its clock, or by a moment before it, microseconds."""
        for queue in queues(part.custody):
            self._queue(queue)
        through = part.clock.through if until is None else min(part.clock.through, until)
        _, states = report_states(part.custody, replace(part.clock, through=through))
        self.reports.update(state.value for state in states)

    def add(self, other: "Standing") -> None:
        """Add what other partitions hold."""
        for queue in other.queues.values():
            self._queue(queue)
        self.reports.update(other.reports)

    @property
    def oldest_first(self) -> list[Queue]:
        """The queues, in order of what lies there longest."""
        return sorted(self.queues.values(), key=lambda one: (one.oldest is None, one.oldest, one.host, one.next_hop))

    def _queue(self, queue: Queue) -> None:
        name = queue.host, queue.next_hop
        held = self.queues.get(name)
        self.queues[name] = queue if held is None else _both(held, queue)


def _both(one: Queue, other: Queue) -> Queue:
    return replace(
        one,
        count=one.count + other.count,
        oldest=min((at for at in (one.oldest, other.oldest) if at is not None), default=None),
        volume=one.volume + other.volume,
        deferred=one.deferred + other.deferred,
        held=one.held + other.held,
    )
