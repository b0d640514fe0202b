"""However much there is of one thing, derivation goes on, and needs no more memory."""

from typing import Any

import pytest

from streams.core.lattice import NEVER
from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from streams.warehouse import derive
from streams.warehouse.derive import derivation
from tests.core.journeys import TERMS, journey, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

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


def test_any_number_of_silences_is_kept(stack: Settings) -> None:
    """A source that comes and goes for weeks stops no derivation."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.tick(10)
    both.derive()
    both.client.command(_SILENCES, parameters={"count": 20_000})
    both.write(submitted(0, "A1"))
    both.tick(10**7)
    assert both.derive() == 1
    assert both.ask("SELECT length(spans) AS count FROM derivation") == [{"count": 20_000}]


def test_silences_before_all_that_is_kept_are_dropped(stack: Settings) -> None:
    """Ticks are kept as long as events are; what lasts until the first of them is kept with it."""
    both = Ledger.made(stack, Terms.parse(TERMS))
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


class Weighed:
    """A warehouse that says how many events each slice had."""

    def __init__(self, client: Any) -> None:
        """Stand before a real one."""
        self._client, self.slices = client, list[int]()

    def __getattr__(self, name: str) -> Any:
        """What the real one does."""
        return getattr(self._client, name)

    def command(self, statement: str, **more: Any) -> Any:
        """Act; chains are made of the facts of a slice, once for each."""
        done = self._client.command(statement, **more)
        if "_chains ENGINE" in statement:
            facts = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'work_%_facts'"
            ((name,),) = self._client.query(facts).result_rows
            self.slices.append(self._client.query(f"SELECT count() FROM {name}").result_rows[0][0])  # noqa: S608
        return done


def test_a_slice_has_so_many_events_or_one_message(stack: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many events each message has; and what is derived in slices is derived at once."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    for number in range(6):
        both.write(journey(10 * number, str(number), key=f"k{number}"))
    both.write(one for number in range(20) for one in submitted(number, f"A{number}", key="k3x"))
    both.tick(500)
    monkeypatch.setattr(derive, "SLICE", 20)
    both.client = weighed = Weighed(both.client)
    assert both.derive() == 7
    assert_agree(both)
    assert weighed.slices == [20, 20, 40, 20]
