"""The tables and views of a ledger's database, from schemas/warehouse.

Rules:
- A numbered script is applied once, and remembered with its checksum; one that changed afterwards is refused: what is
  fed and derived can be thrown away and made again from the log. A database that has later scripts is refused, too,
  before anything of it is changed: what is older knows nothing of its columns.
- What was applied is remembered at the end, so that after a failure all of it is applied again.
- Views are made again whenever their text changed. Retention is set whenever the settings changed.
- Every statement may be run again, and by two processes at once.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from streams.core.errors import Misuse, Unavailable
from streams.settings import Settings
from streams.warehouse import reliability, scripts
from streams.warehouse.client import connect

KEPT = {
    "event_records": ("observed_at", "keep_events_days"),
    "ticks": ("fed_at", "keep_events_days"),
    "evidence_records": ("fed_at", "keep_evidence_days"),
    "alert_records": ("fed_at", "keep_alerts_days"),
    "case_records": ("fed_at", "keep_alerts_days"),
    "rejection_records": ("observed_at", "keep_events_days"),
    "queue_records": ("fed_at", "keep_queues_days"),
    "entry_records": ("observed_at", "keep_events_days"),
    "leg_records": ("observed_at", "keep_events_days"),
    "copy_records": ("observed_at", "keep_events_days"),
    "unit_records": ("observed_at", "keep_events_days"),
    "astray_records": ("observed_at", "keep_events_days"),
    "recipient_keys": ("observed_at", "keep_events_days"),
    "place_keys": ("fed_at", "keep_events_days"),
    "reunion_records": ("observed_at", "keep_events_days"),
    "former_entry_records": ("observed_at", "keep_events_days"),
    "former_leg_records": ("observed_at", "keep_events_days"),
    "former_copy_records": ("observed_at", "keep_events_days"),
    "former_unit_records": ("observed_at", "keep_events_days"),
    "former_astray_records": ("observed_at", "keep_events_days"),
}
"""By table, the time from which its rows are kept, and the setting that says for how many days."""

_APPLIED = """
CREATE TABLE IF NOT EXISTS migrations
(
    name String COMMENT 'Script, view or retention',
    checksum String COMMENT 'Of what was applied',
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
"""

_COLUMNS = """
SELECT table, name, type, comment FROM system.columns WHERE database = currentDatabase() ORDER BY table, position
"""


def migrate(settings: Settings) -> None:
    """Make everything that is missing.

    Raises:
        Unavailable: the warehouse does not answer, or a table that was made is not there now.
        Misuse: the database was made by another version of a script, or by a newer version of Custody.
    """
    client = connect(settings, database=False)
    client.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")  # a checked name: letters, digits and _
    client.close()
    client = connect(settings)
    client.command(_APPLIED)
    done = dict(client.query("SELECT name, checksum FROM migrations FINAL").result_rows)
    _refuse_others(done, settings.database)
    applied = [_apply(client, *step) for step in _steps(client, settings) if done.get(step[0]) != checksum(step[1])]
    if applied:  # in one insert: one for each costs more than the statements
        client.insert("migrations", applied, column_names=["name", "checksum"])
    client.close()


def _refuse_others(done: dict[str, str], database: str) -> None:
    drop = (
        f"DROP DATABASE {database} (embedded: remove the folder clickhouse of the data directory):"
        " the feed makes it again from the log"
    )
    ours = scripts.numbered()
    later = [name for name in sorted(done) if scripts.is_numbered(name) and name[:3] > ours[-1][:3]]
    if later:
        raise Misuse(
            f"The database {database} was made by a newer version of Custody ({later[-1]}).",
            hint=f"run that version; or {drop}",
        )
    for name in ours:
        if name in done and done[name] != checksum(scripts.text(name)):
            raise Misuse(f"The database {database} was made by another version of {name}.", hint=drop)


def _steps(client: Any, settings: Settings) -> Iterator[tuple[str, str]]:
    """Names and scripts of all that there is, in order: views have the columns of the tables that are there by then."""
    for name in scripts.numbered():
        yield name, scripts.text(name)
    for name, statement in _views(client):
        yield f"view {name}", statement
    for table, (column, setting) in KEPT.items():
        days = int(getattr(settings, setting))
        yield f"retention {table}", f"ALTER TABLE {table} MODIFY TTL toDateTime({column}) + INTERVAL {days} DAY"


def _views(client: Any) -> list[tuple[str, str]]:
    columns: dict[str, list[scripts.Column]] = {}
    for table, *column in client.query(_COLUMNS).result_rows:
        columns.setdefault(table, []).append(scripts.Column(*column))

    def columns_of(table: str) -> list[scripts.Column]:
        if table not in columns:
            raise Unavailable(f"The warehouse has no table {table}, though it was made.")
        return columns[table]

    written = [(name, scripts.statements(scripts.text(f"views/{name}.sql"))[0]) for name in scripts.views()]
    shaped = [(name, scripts.with_columns(statement, columns_of)) for name, statement in written]
    return [*shaped, *((name, reliability.view(name)) for name in reliability.BY)]


def _apply(client: Any, name: str, script: str) -> tuple[str, str]:
    for statement in scripts.statements(script):
        client.command(statement)
    return name, checksum(script)


def checksum(script: str) -> str:
    """What tells whether a script is the one that was applied."""
    return blake2b(script.encode(), digest_size=8).hexdigest()
