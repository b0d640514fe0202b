"""What a person can discharge of a case: the units of ours of which something of its cause stands.

Rules:
- A finding of a later stay, or of a copy, is its unit's where the two are connected: what is only credited to a unit is
  cleared by no discharge (views/alarms.sql).
- A finding that no discharge clears has no unit here: what a queue has still to do, a whole queue entry, a source, and
  what is not ours.
- A unit is there once, however many of its findings stand, and not again once it is discharged: what stands of it waits
  for the clock.
- A case may have 100,000 members, so they come as the engine gives them, a block at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streams.core.terms import DISCHARGED
from streams.warehouse.client import ask, told

_STANDING = """
    SELECT alert_id, rule, unit AS leg FROM alerts
    WHERE alert_id IN (SELECT alert_id FROM alert_records WHERE concat(rule, ': ', cause) = {cause:String})
        AND concat(rule, ': ', cause) = {cause:String} AND cleared_at IS NULL
"""

_UNIT = ("unit", "message_key", "host", "queue_id", "recipient")
"""What a discharge says of a unit."""

_ABOUT = "SELECT unit FROM alert_records WHERE concat(rule, ': ', cause) = {cause:String}"

_REACHED = f"""
    SELECT s.alert_id AS alert_id, c.unit AS unit, c.message_key AS message_key, c.host AS host,
        c.queue_id AS queue_id, c.recipient AS recipient, c.discharged_known IS NOT NULL AS is_discharged
    FROM ({_STANDING}) AS s
    INNER JOIN
    (
        SELECT leg, chain, unit FROM legs WHERE leg IN ({_ABOUT})
        UNION ALL SELECT leg, chain, unit FROM copies WHERE leg IN ({_ABOUT})
    ) AS m ON s.leg = m.leg
    INNER JOIN custody AS c ON m.chain = c.chain AND m.unit = c.unit
    WHERE has({{rules:Array(String)}}, s.rule)
"""  # noqa: S608 - our own texts, with parameters


@dataclass(frozen=True, slots=True)
class Members:
    """What stands of a case.

    Attributes:
        client: of the ledger's database.
        cause: of the case: rule, and what holds its members up.
    """

    client: Any
    cause: str

    def reach(self) -> dict[str, int]:
        """How far a discharge of the case reaches.

        Returns:
            Of what stands: `units` that can be discharged, units that are `discharged` already, and `beyond`, alerts
            that are of no unit.
        """
        return ask(
            self.client,
            f"""
            SELECT uniqExactIf(unit, NOT is_discharged) AS units, uniqExactIf(unit, is_discharged) AS discharged,
                (SELECT count() FROM ({_STANDING})) - uniqExact(alert_id) AS beyond
            FROM ({_REACHED})
            """,  # noqa: S608 - our own texts, with parameters
            self._asked(),
        )[0]

    def units(self) -> Iterator[dict[str, Any]]:
        """The units that can be discharged: unit, message_key, host, queue_id and recipient.

        Raises:
            Unavailable: the warehouse is away.
        """
        question = f"SELECT DISTINCT {', '.join(_UNIT)} FROM ({_REACHED}) WHERE NOT is_discharged"  # noqa: S608 - ours
        with told(lambda: self.client.query_row_block_stream(question, parameters=self._asked())) as blocks:
            while (block := told(lambda: next(blocks, None))) is not None:
                yield from (dict(zip(_UNIT, row, strict=True)) for row in block)

    def _asked(self) -> dict[str, Any]:
        return {"cause": self.cause, "rules": list(DISCHARGED)}
