"""The tables and views of a database: made once, documented, kept as long as the settings say."""

import msgspec
import pytest

from streams.core.errors import Misuse
from streams.settings import Settings
from streams.warehouse.client import ask, connect
from streams.warehouse.migrations import migrate

VIEWS = {
    "alarms", "alerts", "cases", "copies", "custody", "derivation", "entries", "events", "evidence", "inbound_daily",
    "legs", "queue_states", "reads_daily", "reliability", "reliability_by_domain", "reliability_by_peer",
    "reliability_by_priority", "reliability_daily", "reliability_total", "transfer_times", "unexpected_daily",
}  # fmt: skip
"""The public contract: a name that is taken away breaks a dashboard."""

pytestmark = pytest.mark.service


@pytest.fixture
def made(stack: Settings, ledger: str) -> Settings:
    """A ledger whose database was made."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    migrate(settings)
    return settings


def test_every_column_of_every_table_and_view_has_a_comment(made: Settings) -> None:
    """Whoever looks at system.columns learns what a column means."""
    client = connect(made)
    silent = ask(
        client,
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = ''"
        " AND NOT (table IN ({views:Array(String)}) AND name = '')",
        {"views": sorted(VIEWS)},
    )
    assert [(row["table"], row["name"]) for row in silent] == []
    views = ask(client, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'")
    assert {row["name"] for row in views} == VIEWS


def test_every_view_answers_in_an_empty_ledger(made: Settings) -> None:
    """Before the first event nothing is known, and nothing fails."""
    client = connect(made, readonly=True)
    for view in sorted(VIEWS - {"reliability_total", "derivation"}):
        assert ask(client, f"SELECT * FROM {view}") == [], view  # noqa: S608 - our names


def test_migrating_again_changes_nothing(made: Settings) -> None:
    """Each worker makes what is missing when it starts."""
    applied = "SELECT name, checksum, applied_at FROM migrations ORDER BY name"
    before = ask(connect(made), applied)
    migrate(made)
    assert ask(connect(made), applied) == before


def test_another_version_of_a_script_is_refused_with_what_to_do(made: Settings) -> None:
    """A table of another shape would be filled wrong."""
    connect(made).insert("migrations", [["001-records.sql", "other"]], column_names=["name", "checksum"])
    with pytest.raises(Misuse, match=r"001-records\.sql"):
        migrate(made)


def test_retention_follows_the_settings(made: Settings) -> None:
    """Each table is kept as long as its setting says, also when it is changed later."""
    shorter = msgspec.structs.replace(made, keep_evidence_days=7, keep_queues_days=3)
    migrate(shorter)
    tables = ask(
        connect(made), "SELECT name, create_table_query AS made FROM system.tables WHERE database = currentDatabase()"
    )
    texts = {row["name"]: row["made"] for row in tables}
    assert "toIntervalDay(7)" in texts["evidence_records"]
    assert "toIntervalDay(3)" in texts["queue_records"]
    assert "toIntervalDay(400)" in texts["event_records"]
