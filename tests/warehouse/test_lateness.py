"""How late derivation is says what was fed, and which terms were declared, since the last."""

import pytest

from streams.core.terms import SECOND, Terms
from streams.kafka.names import EVENTS
from streams.settings import Settings
from streams.wall import Wall
from streams.warehouse.derive import derive
from streams.warehouse.fed import COLUMNS
from streams.warehouse.lateness import Lateness, lateness
from tests.core.journeys import TERMS, submitted
from tests.warehouse.ledgers import Ledger

pytestmark = pytest.mark.service


def test_what_is_fed_after_a_derivation_waits(stack: Settings) -> None:
    """Each record, all of them where the log begins anew, and everything where other terms are declared."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    assert lateness(both.client, 10) == Lateness(records=0, has_terms=False, seconds=None)
    both.write(submitted(0, "A1"))
    both.client.insert("terms", [("other", "x", "")], ["version", "profile", "text"])
    derive(both.client, both.terms, Wall(now=lambda: 100 * SECOND))
    late = lateness(both.client, 110)
    assert (late.records, late.has_terms, round(late.seconds or 0)) == (0, True, 10)
    both.tick(10)
    assert lateness(both.client, 110).records == 1
    both.client.insert("fed", [(EVENTS, 0, 1, 3)], COLUMNS)
    assert lateness(both.client, 110).records == 3
