"""How full the warehouse is: what a demo, a test or an operator waits for."""

from dataclasses import dataclass

from streams.settings import Settings
from streams.warehouse.client import ask, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Rows of what is fed or derived last.

    Attributes:
        alerts: raised by the stream.
        custody: units derived in SQL.
        alarms: derived in SQL.
        in_cases: alerts of the last time that each case stood.
    """

    alerts: int
    custody: int
    alarms: int
    in_cases: int


def totals(settings: Settings) -> Totals:
    """Count them now.

    Raises:
        Unavailable: the warehouse does not answer.
    """
    question = (
        "SELECT (SELECT count() FROM alerts) AS alerts, (SELECT count() FROM custody) AS custody,"
        " (SELECT count() FROM alarms) AS alarms, (SELECT sum(members) FROM cases) AS in_cases"
    )
    return Totals(**ask(connect(settings, readonly=True), question)[0])
