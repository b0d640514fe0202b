"""However much there is of one thing, derivation goes on, and needs no more memory."""

import pytest

from streams.core.lattice import NEVER
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from streams.warehouse.derive import derivation
from tests.core.journeys import TERMS, submitted
from tests.warehouse.ledgers import Ledger

pytestmark = pytest.mark.service

_SILENCES = """
INSERT INTO derivations
WITH toDateTime64(10, 6, 'UTC') AS since
SELECT * REPLACE (
    version + 1 AS version,
    arrayMap(
        i -> ('source-silent', 'log', toFixedString(MD5(toString(i)), 16),
            since + toIntervalMinute(i), since + toIntervalMinute(i) + toIntervalSecond(30)),
        range({count:UInt32})
    ) AS spans
)
FROM derivations FINAL
"""


def test_any_number_of_silences_is_kept(stack: Settings, ledger: str) -> None:
    """A source that comes and goes for weeks stops no derivation."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    both.tick(10)
    both.derive()
    both.client.command(_SILENCES, parameters={"count": 20_000})
    both.write(submitted(0, "A1"))
    both.tick(10**7)
    assert both.derive() == 1
    assert both.ask("SELECT length(spans) AS count FROM derivation") == [{"count": 20_000}]


def test_silences_before_all_that_is_kept_are_dropped(stack: Settings, ledger: str) -> None:
    """Ticks are kept as long as events are; what lasts until the first of them is kept with it."""
    both = Ledger.made(stack, ledger, Terms.parse(TERMS))
    for at, silent in ((10, []), (20, ["a"]), (30, []), (40, ["a"]), (50, []), (60, ["a"])):
        both.tick(at, silent=tuple(silent))
    both.derive()
    spans = derivation(both.client).clock.spans["source-silent", "a"]
    assert spans == [[10 * SECOND, 30 * SECOND], [30 * SECOND, 50 * SECOND], [50 * SECOND, NEVER]]
    both.client.command(
        "ALTER TABLE ticks DELETE WHERE through < toDateTime64(40, 6, 'UTC') SETTINGS mutations_sync = 1"
    )
    both.derive()
    assert derivation(both.client).clock.spans["source-silent", "a"] == spans[1:]
