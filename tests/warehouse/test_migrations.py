"""The tables and views of a database: made once, documented, kept as long as the settings say."""

import re

import msgspec
import pytest

from streams.core.errors import Misuse, Unavailable
from streams.settings import Settings
from streams.warehouse.client import ask, connect
from streams.warehouse.migrations import KEPT, migrate

VIEWS = {
    "alarms", "alerts", "cases", "copies", "custody", "derivation", "entries", "events", "evidence", "inbound_daily",
    "legs", "queue_states", "reads_daily", "reliability", "reliability_by_domain", "reliability_by_peer",
    "reliability_by_priority", "reliability_daily", "reliability_total", "rejected_daily", "rejections",
    "transfer_times", "unexpected_daily",
}  # fmt: skip
"""The public contract: a name that is taken away breaks a dashboard."""

FOR_EVER = {
    "derivations": "one row, replaced by every derivation",
    "fed": "a row for each partition of a topic, replaced as it is fed",
    "migrations": "one row for each script, view and retention",
    "terms": "a row for each version of the terms: whoever asks about an old finding must know what was owed",
}
"""Tables without a retention, and why."""

TTL = re.compile(r"TTL toDateTime\((\w+)\) \+ toIntervalDay\((\d+)\)")

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


def test_every_time_is_utc(made: Settings) -> None:
    """Wherever the server stands: else a dashboard mixes its zone with that of all other times."""
    zoneless = (
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
        " AND match(type, 'DateTime(64)?') AND NOT match(type, '\\'UTC\\'') AND NOT match(type, 'Function')"
    )
    assert ask(connect(made), zoneless) == []


def test_every_view_says_what_its_rows_are(made: Settings) -> None:
    """A table of contents for whoever builds a dashboard, in a line each."""
    contents = "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    found = {row["name"]: row["comment"] for row in ask(connect(made), contents)}
    assert found.keys() == VIEWS
    assert {name for name, comment in found.items() if not 10 < len(comment) <= 100 or "@" in comment} == set()
    assert len(set(found.values())) == len(VIEWS)


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


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(made: Settings) -> None:
    """Its tables have what these views and derivations know nothing of; going back is said, and how."""
    client = connect(made)
    known = [["999-later.sql", "its"], ["view custody", "its"]]
    client.insert("migrations", known, column_names=["name", "checksum"])
    with pytest.raises(Misuse, match=rf"^The database {made.database} was made by a newer .*999-later\.sql") as refused:
        migrate(made)
    assert f"DROP DATABASE {made.database}" in refused.value.hint
    view = "SELECT checksum FROM migrations FINAL WHERE name = 'view custody'"
    assert ask(client, view) == [{"checksum": "its"}]


def test_a_script_that_had_another_name_once_is_no_newer_version(made: Settings) -> None:
    """Scripts were numbered otherwise before; what they made is there."""
    connect(made).insert("migrations", [["012-sessions.sql", "old"]], column_names=["name", "checksum"])
    migrate(made)


def test_a_table_that_is_not_there_now_is_said(made: Settings) -> None:
    """Somebody renames or restores it meanwhile: the feed waits for it, and does not die."""
    connect(made).command("RENAME TABLE event_records TO taken_away")
    with pytest.raises(Unavailable, match="no table event_records"):
        migrate(made)
    connect(made).command("RENAME TABLE taken_away TO event_records")
    migrate(made)


def test_retention_follows_the_settings(made: Settings) -> None:
    """Each table is kept as long as its setting says, also when it is changed later."""
    days = {"keep_events_days": 11, "keep_evidence_days": 7, "keep_alerts_days": 5, "keep_queues_days": 3}
    assert {setting for _, setting in KEPT.values()} == set(days)
    before = retentions(made)
    migrate(msgspec.structs.replace(made, **days))
    assert before == {table: days_of(made, setting) for table, (_, setting) in KEPT.items()}
    assert retentions(made) == {table: days[setting] for table, (_, setting) in KEPT.items()}


def test_what_is_kept_for_ever_has_its_reason(made: Settings) -> None:
    """A table that nobody thought of would grow for ever."""
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View'"
    assert {row["name"] for row in ask(connect(made), tables)} == KEPT.keys() | FOR_EVER.keys()
    assert FOR_EVER.keys().isdisjoint(retentions(made))


def days_of(settings: Settings, setting: str) -> int:
    """A setting's days."""
    return int(getattr(settings, setting))


def retentions(settings: Settings) -> dict[str, int]:
    """The days of each table that has a retention, by the time that its rows are kept from."""
    made = "SELECT name, create_table_query AS made FROM system.tables WHERE database = currentDatabase()"
    found = {row["name"]: TTL.search(row["made"]) for row in ask(connect(settings), made)}
    assert all(one is None or one[1] == KEPT[table][0] for table, one in found.items())
    return {table: int(one[2]) for table, one in found.items() if one}
