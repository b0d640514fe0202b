"""Forgetting an address: wherever it stands by itself in the tables of the warehouse, it does not stay.

Rules:
- Where an address stands in a text, a pseudonym takes its place: a random name in the same domain, so that counts and
  figures by domain stay as they are. Nobody can find the address from it.
- `leg`, `unit` and `chain` stay, by which rows are joined: hashes of the address without a secret (core/identity.py).
  Who guesses it finds its rows by them.
- A row whose sorting key has the address in it is deleted, and so is raw evidence that has it: it proves nothing that
  is not told by its event.
- How an address is spelt is told in addresses.py. A name that is none (an O/R name, one without a domain) is looked for
  where a column has whom evidence names, not in what was said, nor in raw evidence.
- What only ends in the address may be somebody else's, or the address with something before it. It stays, and `near`
  says where, so that nobody takes it for gone.
- Facts first, then what is derived from them; again until nothing is found, since a derivation may run meanwhile.
- The terms are the operator's own words: they are not changed, `in_terms` says whether they name the address.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from streams.core.errors import Unavailable
from streams.warehouse.addresses import is_address, pattern, pseudonym, quoted, within
from streams.warehouse.client import ask, told

ROUNDS = 4
"""How often it is tried against derivations that run at the same time."""

PATIENCE = 60
"""Seconds that a derivation under way is waited for."""

WORDS = 5
"""Examples of what may have an address."""

OWN = "terms"
"""The table of what the operator says himself."""

WHO = {"recipient", "original_recipient", "originator", "user"}
"""Columns that have whom evidence names, and nothing else."""

_TEXT = re.compile(r"^(LowCardinality\()?(Nullable\()?String\)*$")
_TEXTS = "Array(String)"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns of text.

    Attributes:
        name: of the table.
        keys: texts that rows are sorted by, which cannot be changed.
        texts: other texts.
        lists: arrays of texts.
        is_raw: it keeps raw evidence.
    """

    name: str
    keys: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)

    @property
    def is_raw(self) -> bool:
        """Rows are evidence."""
        return "raw" in self.texts


@dataclass(frozen=True, slots=True)
class Near:
    """What may have an address still.

    Attributes:
        rows: how many of each table.
        words: some of what stands there.
    """

    rows: dict[str, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def forget(client: Any, address: str) -> dict[str, int]:
    """Forget an address; returns how many rows of each table had it.

    Raises:
        Misuse: it names nobody.
        Unavailable: the warehouse is away, or derivations did not rest; try again.
    """
    wanted, instead = pattern(address), pseudonym(address)
    first = found(client, address)
    left = first
    for _ in range(ROUNDS):
        if not left:
            return first
        for table in _tables(client, address):
            if table.name in left:
                _rewrite(client, table, wanted, instead)
        _wait(client, _under_way(client))
        left = found(client, address)
    if left:
        raise Unavailable(f"The address is still in {', '.join(left)}: something was derived meanwhile.", hint="again")
    return first


def found(client: Any, address: str) -> dict[str, int]:
    """How many rows of each table have an address."""
    wanted = pattern(address)
    counts = {table.name: _count(client, table, wanted) for table in _tables(client, address)}
    return {name: count for name, count in counts.items() if count}


def near(client: Any, address: str) -> Near:
    """Where a longer word ends in an address; of a name that is none nothing is looked for within words."""
    rows: dict[str, int] = {}
    words: dict[str, None] = {}
    for table in _tables(client, address) if is_address(address) else []:
        told = _nearly(client, table, {"p": pattern(address), "w": within(address)})
        if told["n"]:
            rows[table.name] = int(told["n"])
            words.update(dict.fromkeys(told["words"]))
    return Near(rows, list(words)[:WORDS])


def _under_way(client: Any) -> frozenset[str]:
    """The derivations' own tables, which are there while they run: they may have read what was there before."""
    rows = ask(
        client, "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'work_')", {}
    )
    return frozenset(row["name"] for row in rows)


@retry(
    retry=retry_if_result(bool),
    wait=wait_fixed(0.1),
    stop=stop_after_delay(PATIENCE),
    retry_error_callback=lambda _: True,
)
def _wait(client: Any, tables: frozenset[str]) -> bool:
    """Wait until these tables are gone."""
    return bool(tables & _under_way(client))


def in_terms(client: Any, address: str) -> bool:
    """Do the terms name the address."""
    rows = ask(client, f"SELECT count() AS n FROM {OWN} WHERE match(text, {{p:String}})", {"p": quoted(address)})  # noqa: S608
    return bool(rows[0]["n"])


def _tables(client: Any, address: str) -> list[Table]:
    """Every stored table with what can name somebody so, facts first; views have nothing of their own."""
    rows = ask(
        client,
        """
        SELECT c.table AS name, c.name AS column, c.type AS type, c.is_in_sorting_key AS is_key
        FROM system.columns AS c INNER JOIN system.tables AS t ON c.database = t.database AND c.table = t.name
        WHERE c.database = currentDatabase() AND t.engine LIKE '%MergeTree' AND c.table != {own:String}
            AND NOT startsWith(c.table, 'work_')
        ORDER BY NOT match(c.table, '^(event|evidence|alert|case|queue)'), c.table, c.position
        """,
        {"own": OWN},
    )
    tables: dict[str, Table] = {}
    for row in rows:
        if row["column"] not in WHO and not is_address(address):
            continue
        table = tables.setdefault(row["name"], Table(row["name"]))
        for columns in _kinds(table, row):
            columns.append(row["column"])
    return [table for table in tables.values() if table.keys or table.texts or table.lists]


def _kinds(table: Table, row: dict[str, Any]) -> Iterator[list[str]]:
    if _TEXT.match(row["type"]):
        yield table.keys if row["is_key"] else table.texts
    elif row["type"] == _TEXTS:
        yield table.lists


_NAMED = "match({}, {{p:String}})"
_NEARLY = "(match({0}, {{w:String}}) AND NOT match({0}, {{p:String}}))"


def _has(texts: list[str], lists: list[str] | tuple[str, ...] = (), is_so: str = _NAMED) -> str:
    """The condition that an address stands in a row."""
    parts = [f"ifNull({is_so.format(name)}, 0)" for name in map(_quoted, texts)]
    parts += [f"arrayExists(one -> {is_so.format('one')}, {name})" for name in map(_quoted, lists)]
    return " OR ".join(parts) or "0"


def _quoted(name: str) -> str:
    return f"`{name}`"


def _count(client: Any, table: Table, wanted: str) -> int:
    where = _has([*table.keys, *table.texts], table.lists)
    rows = ask(client, f"SELECT count() AS n FROM {_quoted(table.name)} WHERE {where}", {"p": wanted})  # noqa: S608
    return int(rows[0]["n"])


def _nearly(client: Any, table: Table, patterns: dict[str, str]) -> dict[str, Any]:
    """The number of rows of a table that may have an address, and some words of theirs."""
    texts = [*table.keys, *table.texts]
    parts = [*(f"[ifNull({_quoted(name)}, '')]" for name in texts), *map(_quoted, table.lists)]
    words = f"extractAll(arrayStringConcat(arrayConcat({', '.join(parts)}), '\\n'), {{w:String}})"
    return ask(
        client,
        f"""
        SELECT count() AS n, groupUniqArrayArray({WORDS})(arrayFilter(word -> NOT match(word, {{p:String}}), {words}))
            AS words
        FROM {_quoted(table.name)} WHERE {_has(texts, table.lists, _NEARLY)}
        SETTINGS prefer_column_name_to_alias = 1
        """,  # noqa: S608 - names of our tables
        patterns,
    )[0]


def _rewrite(client: Any, table: Table, wanted: str, instead: str) -> None:
    name, parameters = _quoted(table.name), {"p": wanted, "r": instead}
    gone = _has([*table.keys, *(["raw"] if table.is_raw else [])])
    settings = {"mutations_sync": 2}
    if gone != "0":
        statement = f"ALTER TABLE {name} DELETE WHERE {gone}"
        told(lambda: client.command(statement, parameters=parameters, settings=settings))
    sets = [f"{_quoted(one)} = {_replaced(_quoted(one))}" for one in table.texts]
    sets += [f"{_quoted(one)} = arrayMap(one -> {_replaced('one')}, {_quoted(one)})" for one in table.lists]
    if sets:
        change = f"ALTER TABLE {name} UPDATE {', '.join(sets)} WHERE {_has(table.texts, table.lists)}"
        told(lambda: client.command(change, parameters=parameters, settings=settings))


def _replaced(text: str) -> str:
    """Twice: of two addresses side by side the first takes the sign between them."""
    return f"replaceRegexpAll(replaceRegexpAll({text}, {{p:String}}, {{r:String}}), {{p:String}}, {{r:String}})"
