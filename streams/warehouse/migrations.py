"""The tables and views of a ledger's database, from schemas/warehouse; every statement may be run again."""

from importlib.resources import files
from typing import Any

from streams.settings import Settings
from streams.warehouse.client import connect

FILES = ("001-tables.sql", "002-derived.sql", "003-views.sql")

RELIABILITY: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "reliability_total": (),
    "reliability_daily": (("day", "Date", "Of submission, UTC", "toDate(submitted_at)"),),
    "reliability_by_priority": (("priority", "Int32", "RFC 6710 MT-PRIORITY", ""),),
    "reliability_by_peer": (("peer", "String", "First next party", ""),),
    "reliability_by_domain": (
        ("originator_domain", "String", "Domain of the originator", "lower(splitByChar('@', originator)[-1])"),
        ("recipient_domain", "String", "Domain of the recipient", "lower(splitByChar('@', recipient)[-1])"),
    ),
}
"""Names of the reliability views, and their columns: name, type, comment and definition."""


def migrate(settings: Settings) -> None:
    """Make everything that is missing.

    Raises:
        Unavailable: the warehouse does not answer.
    """
    client = connect(settings, database=False)
    client.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")  # a checked name: letters, digits and _
    client = connect(settings)
    for statement in statements():
        client.command(statement)


def statements() -> list[str]:
    """All statements, in order."""
    found = [one for name in FILES for one in split(text(name))]
    return [*found, *(reliability(name) for name in RELIABILITY)]


def reliability(name: str) -> str:
    """The statement of a reliability view."""
    columns = RELIABILITY[name]
    return (
        text("reliability.sql")
        .replace("@columns", "".join(f"{c} {kind} COMMENT '{note}', " for c, kind, note, _ in columns))
        .replace("@names", "".join(f"{c}, " for c, *_ in columns))
        .replace("@name", name)
        .replace("*, @by", ", ".join(["*", *(f"{how} AS {c}" for c, _, _, how in columns if how)]))
        .replace("@group", "GROUP BY " + ", ".join(c for c, *_ in columns) if columns else "")
    )


def text(name: str) -> str:
    """A file of schemas/warehouse."""
    return (files("schemas") / "warehouse" / name).read_text(encoding="utf-8")


def split(script: str) -> list[str]:
    """The statements of a script; none of ours has a semicolon at the end of a line within it."""
    parts = [part.strip() for part in script.split(";\n")]
    return [part.removesuffix(";") for part in parts if _is_statement(part)]


def _is_statement(part: str) -> bool:
    return any(line.strip() and not line.strip().startswith("--") for line in part.splitlines())


def columns_of(client: Any, database: str) -> dict[str, dict[str, str]]:
    """Table to column to comment, as the engine knows them."""
    rows = client.query(
        "SELECT table, name, comment FROM system.columns WHERE database = {database:String}",
        parameters={"database": database},
    ).result_rows
    known: dict[str, dict[str, str]] = {}
    for table, name, comment in rows:
        known.setdefault(table, {})[name] = comment
    return known
