"""Empty databases of ledgers, one used after another: to make one takes as long as the test that needs it.

A test that changes tables or views would change them for all that come after: such a database is not used again.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streams.settings import Settings
from streams.warehouse.client import connect
from streams.warehouse.migrations import migrate

_TABLES = """
SELECT name, create_table_query, ifNull(total_rows, 0) FROM system.tables
WHERE database = currentDatabase() ORDER BY name
"""
_NOT_EMPTIED = "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare:
    """A database that a migration made.

    Attributes:
        settings: of its ledger.
        shape: statements that make its tables and views.
        rows: by table, what is in it from the beginning.
    """

    settings: Settings
    shape: Sequence[str]
    rows: Mapping[str, Any]

    def free(self) -> None:
        """Nobody uses it."""
        _FREE.setdefault(self.settings.data, []).append(self)


_FREE: dict[Path, list[Spare]] = {}


def taken(stack: Settings) -> Spare:
    """An empty database of a stack, free or new; its `free` is to be called when it is used no more."""
    free = _FREE.get(stack.data, [])
    while free:
        spare = free.pop()
        if _emptied(spare):
            return spare
    return _made(msgspec.structs.replace(stack, ledger=f"spare{secrets.token_hex(5)}"))


def _made(settings: Settings) -> Spare:
    migrate(settings)
    client = connect(settings)
    tables = client.query(_TABLES).result_rows
    rows = {
        name: client.query_arrow(f"SELECT * FROM {name}")  # noqa: S608 - our names
        for name, _, count in tables
        if count and name != _NOT_EMPTIED
    }
    client.close()
    return Spare(settings=settings, shape=[made for _, made, _ in tables], rows=rows)


def _emptied(spare: Spare) -> bool:
    """Empty it, but for what a migration put into it; no, where it has other tables or views now: drop it."""
    client = connect(spare.settings)
    tables = client.query(_TABLES).result_rows
    is_same = [made for _, made, _ in tables] == spare.shape
    if is_same:
        for name, _, count in tables:
            if count and name != _NOT_EMPTIED:
                client.command(f"TRUNCATE TABLE {name}")
        for name, rows in spare.rows.items():
            client.insert_arrow(name, rows)
    else:
        client.command(f"DROP DATABASE {spare.settings.database}")
    client.close()
    return is_same
