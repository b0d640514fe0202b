"""How far the log is fed, as the warehouse says: all before is stored, whatever is there of what comes after.

Rules:
- Inserts run beside each other, so the last row that is there does not say that all before it are.
- What is said later by who was slow does not count: it never goes back, but by a turn. A turn begins where feeding
  begins again before what was fed: the log lost its tail, or is another, and what is there now was not derived.
"""

from dataclasses import dataclass
from typing import Any

from streams.kafka.names import EVENTS

COLUMNS = ("topic", "log_partition", "turn", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """How far a partition is fed.

    Attributes:
        after: the offset up to which all of it is stored.
        turn: how often feeding began again before what was fed.
    """

    after: int = 0
    turn: int = 0

    def turn_from(self, offset: int) -> int:
        """The turn in which feeding goes on from an offset: another, where that was fed before."""
        return self.turn + (offset < self.after)


def fed(client: Any, topic: str = EVENTS) -> dict[int, Fed]:
    """How far a topic is fed, by partition."""
    question = "SELECT log_partition, after, turn FROM fed FINAL WHERE topic = {topic:String} ORDER BY log_partition"
    rows = client.query(question, parameters={"topic": topic}).result_rows
    return {number: Fed(after=after, turn=turn) for number, after, turn in rows}


def offsets(places: dict[int, Fed]) -> dict[int, int]:
    """The vector of offsets."""
    return {number: one.after for number, one in places.items()}


def turns(places: dict[int, Fed]) -> dict[int, int]:
    """The turns."""
    return {number: one.turn for number, one in places.items()}


def vector(offsets: dict[int, int]) -> dict[str, Any]:
    """A vector of offsets as the scripts want it; the engine wants none that is empty."""
    return {"partitions": list(offsets) or [0], "offsets": list(offsets.values()) or [0]}
