"""What the feed needs of a warehouse, as a port, and a real one behind it.

Rules:
- Whatever a warehouse that is away or refuses says is Unavailable, and the next call comes over a new connection: what
  was accepted may have been accepted nevertheless, and is told again. One that refuses our password is waited for, too:
  it is changed on two sides.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from streams.core.errors import Unavailable
from streams.core.terms import Terms
from streams.settings import Settings
from streams.warehouse.client import AWAY, REFUSED, NotAdmitted, connect, first_line
from streams.warehouse.derive import derive
from streams.warehouse.fed import Fed, fed
from streams.warehouse.migrations import migrate

INSERTING = {"optimize_on_insert": 0}
"""Duplicates within an insert are left to merges and to FINAL, as those of two inserts are: it costs a quarter less."""

Answer = TypeVar("Answer")


class Store(Protocol):
    """A ledger's tables. Every call raises Unavailable where they are away or refuse."""

    def prepare(self) -> None:
        """Make what is missing."""
        ...

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows, or replace those that are the same."""
        ...

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """The same of a few rows."""
        ...

    def fed(self, topic: str) -> dict[int, Fed]:
        """How far a topic is fed, by partition."""
        ...

    def clock_before(self, partition: int, offset: int) -> int | None:
        """The latest tick of a partition before an offset, microseconds."""
        ...

    def derive(self, terms: Terms) -> int:
        """Derive what changed; returns the number of messages that were touched."""
        ...


class ClickHouse:
    """The ledger's database; made where it is missing."""

    def __init__(self, settings: Settings) -> None:
        """Name it; it is first asked when something is wanted."""
        self._settings = settings
        self._client: Any = None

    def prepare(self) -> None:
        """Make what is missing."""
        self._ask(lambda _: None)

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows, or replace those that are the same."""
        self._ask(lambda client: insert(client, table, rows))

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """The same of a few rows."""
        self._ask(lambda client: client.insert(table, rows, column_names=columns))

    def fed(self, topic: str) -> dict[int, Fed]:
        """How far a topic is fed, by partition."""
        return self._ask(lambda client: fed(client, topic))

    def clock_before(self, partition: int, offset: int) -> int | None:
        """The latest tick of a partition before an offset, microseconds."""
        question = (
            "SELECT toUnixTimestamp64Micro(max(through)), count() FROM ticks"
            " WHERE log_partition = {partition:UInt16} AND log_offset < {offset:UInt64}"
        )
        parameters = {"partition": partition, "offset": offset}
        ((clock, count),) = self._ask(lambda client: client.query(question, parameters=parameters).result_rows)
        return int(clock) if count else None

    def derive(self, terms: Terms) -> int:
        """Derive what changed; returns the number of messages that were touched."""
        return self._ask(lambda client: derive(client, terms))

    def _ask(self, work: Callable[[Any], Answer]) -> Answer:
        try:
            return work(self._connected())
        except (*AWAY, REFUSED) as error:
            self._client = None
            raise Unavailable(f"The warehouse refuses: {first_line(error)}") from error
        except NotAdmitted as error:
            raise Unavailable(str(error), hint=error.hint) from error

    def _connected(self) -> Any:
        client = self._client  # another thread may have found it away meanwhile
        if client is None:
            migrate(self._settings)
            client = self._client = connect(self._settings)
        return client


def insert(client: Any, table: str, rows: pa.Table) -> None:
    """Insert columns as a stream: the engine need not have a whole file first. What is null everywhere is left out."""
    rows = rows.select([name for name in rows.column_names if rows[name].null_count < len(rows)])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    # Not bytes: the client would copy them behind the statement.
    client.raw_insert(table, rows.column_names, memoryview(sink.getvalue()), INSERTING, "ArrowStream")
