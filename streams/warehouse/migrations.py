"""The tables and views of a ledger's database, from schemas/warehouse.

Rules:
- A numbered script is applied once, and remembered with its checksum; one that changed afterwards is refused: what is
  fed and derived can be thrown away and made again from the log.
- Views are made again whenever their text changed. Retention is set whenever the settings changed.
- Every statement may be run by two processes at once.
"""

from hashlib import blake2b
from typing import Any

from streams.core.errors import Misuse
from streams.settings import Settings
from streams.warehouse import reliability, scripts
from streams.warehouse.client import connect

KEPT = {
    "event_records": ("observed_at", "keep_events_days"),
    "ticks": ("fed_at", "keep_events_days"),
    "evidence_records": ("fed_at", "keep_evidence_days"),
    "alert_records": ("fed_at", "keep_alerts_days"),
    "case_records": ("fed_at", "keep_alerts_days"),
    "queue_records": ("fed_at", "keep_queues_days"),
    "entry_records": ("observed_at", "keep_events_days"),
    "leg_records": ("observed_at", "keep_events_days"),
    "copy_records": ("observed_at", "keep_events_days"),
    "unit_records": ("observed_at", "keep_events_days"),
    "astray_records": ("observed_at", "keep_events_days"),
    "recipient_keys": ("observed_at", "keep_events_days"),
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


def migrate(settings: Settings) -> None:
    """Make everything that is missing.

    Raises:
        Unavailable: the warehouse does not answer.
        Misuse: the database was made by another version of a script.
    """
    client = connect(settings, database=False)
    client.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")  # a checked name: letters, digits and _
    client.close()
    client = connect(settings)
    client.command(_APPLIED)
    done = dict(client.query("SELECT name, checksum FROM migrations FINAL").result_rows)
    _scripts(client, done, settings.database)
    _views(client, done)
    _retention(client, done, settings)
    client.close()


def _scripts(client: Any, done: dict[str, str], database: str) -> None:
    for name in scripts.numbered():
        script = scripts.text(name)
        if name not in done:
            _apply(client, name, script, scripts.statements(script))
        elif done[name] != checksum(script):
            raise Misuse(
                f"The database {database} was made by another version of {name}.",
                hint=f"DROP DATABASE {database} (embedded: remove the folder clickhouse of the data directory):"
                " the feed makes it again from the log",
            )


def _views(client: Any, done: dict[str, str]) -> None:
    for name, statement in view_statements(client):
        if done.get(f"view {name}") != checksum(statement):
            _apply(client, f"view {name}", statement, [statement])


def view_statements(client: Any) -> list[tuple[str, str]]:
    """Names and statements of all views, in order."""

    def columns(table: str) -> list[scripts.Column]:
        rows = client.query(
            "SELECT name, type, comment FROM system.columns"
            " WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
            parameters={"table": table},
        ).result_rows
        return [scripts.Column(*row) for row in rows]

    written = [(name, scripts.statements(scripts.text(f"views/{name}.sql"))[0]) for name in scripts.views()]
    shaped = [(name, scripts.with_columns(statement, columns)) for name, statement in written]
    return [*shaped, *((name, reliability.view(name)) for name in reliability.BY)]


def _retention(client: Any, done: dict[str, str], settings: Settings) -> None:
    for table, (column, setting) in KEPT.items():
        days = int(getattr(settings, setting))
        statement = f"ALTER TABLE {table} MODIFY TTL toDateTime({column}) + INTERVAL {days} DAY"
        if done.get(f"retention {table}") != checksum(statement):
            _apply(client, f"retention {table}", statement, [statement])


def _apply(client: Any, name: str, script: str, statements: list[str]) -> None:
    for statement in statements:
        client.command(statement)
    client.insert("migrations", [[name, checksum(script)]], column_names=["name", "checksum"])


def checksum(script: str) -> str:
    """What tells whether a script is the one that was applied."""
    return blake2b(script.encode(), digest_size=8).hexdigest()
