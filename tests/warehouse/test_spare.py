"""What one test leaves in a database, the next does not find."""

from contextlib import closing

import pytest

from streams.core.terms import Terms
from streams.settings import Settings
from streams.warehouse.client import connect
from tests.core.journeys import TERMS, submitted
from tests.warehouse import spare
from tests.warehouse.ledgers import Ledger

pytestmark = pytest.mark.service

FILLED = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0 ORDER BY name"


def test_a_database_is_given_again_as_it_was_made(stack: Settings) -> None:
    """Once nobody holds its ledger; and not while somebody does."""
    one, other = Ledger.made(stack, Terms.parse(TERMS)), Ledger.made(stack, Terms.parse(TERMS))
    name, empty = one.client.database, other.ask(FILLED)
    assert name != other.client.database
    one.write(submitted(0, "A1"))
    one.tick(500)
    one.derive()
    assert one.ask(FILLED) != empty
    del one
    again = Ledger.made(stack, Terms.parse(TERMS))
    assert again.client.database == name
    assert again.ask(FILLED) == empty


def test_one_whose_tables_were_changed_is_not_given_again(stack: Settings) -> None:
    """It is dropped."""
    changed = spare.taken(stack)
    client = connect(changed.settings)
    client.command("ALTER TABLE event_records DROP INDEX by_small_recipient")
    changed.free()
    assert spare.taken(stack).settings.database != changed.settings.database
    with closing(connect(stack, database=False)) as apart:
        assert changed.settings.database not in apart.command("SHOW DATABASES")
