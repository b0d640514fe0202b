"""`custody sql` on the real engine: what is asked is asked as written, in the format that somebody named."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from streams.cli.app import custody
from streams.core.errors import Misuse
from streams.settings import Settings
from streams.warehouse.client import connect

pytestmark = pytest.mark.service

Ask = Callable[..., Result]


@pytest.fixture
def ask(stack: Settings, ledger: str) -> Ask:
    """The command, for an empty ledger."""
    connect(stack, database=False).command(f"CREATE DATABASE {replace(stack, ledger=ledger).database}")
    return lambda *words: CliRunner().invoke(custody, ["sql", *words, "--data", str(stack.data), "--ledger", ledger])


@pytest.mark.parametrize(
    "words",
    [
        ("SELECT 1 AS a FORMAT CSVWithNames",),
        ("SELECT 1 AS a FORMAT CSVWithNames;",),
        ("SELECT 1 AS a\nFORMAT CSVWithNames -- for the sheet",),
        ("SELECT 1 AS a", "--format", "CSVWithNames"),
        ("SELECT 1 AS a -- one", "--format", "CSVWithNames"),
        ("SELECT 1 AS a FORMAT CSVWithNames", "--format", "csvwithnames"),
    ],
)
def test_the_format_is_named_by_the_query_or_an_option(ask: Ask, words: tuple[str, ...]) -> None:
    """By either of them, or both alike."""
    assert ask(*words).stdout == '"a"\n1\n'


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS x -- see FORMAT CSV",
        "SELECT 1 AS x /* FORMAT CSV */",
        "SELECT 1 AS x, 2 AS format ORDER BY format DESC",
        "SELECT 'FORMAT\\tCSV' AS `FORMAT`\nORDER BY `FORMAT`",
    ],
)
def test_not_every_format_is_the_answers(ask: Ask, query: str) -> None:
    """Comments, columns and values may have the word: it is a table, or what the option says."""
    assert "─" in ask(query).stdout
    assert ask(query, "--json").stdout.startswith("{")


def test_tables_are_shown(ask: Ask) -> None:
    """Whatever the engine makes of a question, as a table and as a document."""
    for query, rows in (("SHOW DATABASES LIKE 'sys%'", ["system"]), ("SHOW TABLES FROM system LIKE 'one'", ["one"])):
        assert all(row in ask(query).stdout for row in rows)
        assert [*json.loads(ask(query, "--json").stdout)["data"][0].values()] == rows
    assert "SelectWithUnionQuery" in ask("EXPLAIN AST SELECT 1").stdout
    assert ask("SHOW TABLES FROM system LIKE 'one' FORMAT CSVWithNames").stdout == '"name"\n"one"\n'


def test_a_large_answer_is_one_document(ask: Ask) -> None:
    """However many blocks it has."""
    assert json.loads(ask("SELECT * FROM numbers(200000)", "--json").stdout)["rows"] == 200_000


@pytest.mark.parametrize("words", [(), ("--format", "TSV"), ("--json",)])
def test_what_fails_in_the_middle_is_refused(ask: Ask, words: tuple[str, ...]) -> None:
    """In the engine's words, and not as an outage; nothing is printed."""
    told = ask("SELECT throwIf(number = 1000000) FROM numbers(2000000)", *words)
    assert isinstance(told.exception, Misuse)
    assert str(told.exception).startswith("The warehouse refuses: Value passed to 'throwIf' function is non-zero")
    assert told.output == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1\nFRM x y", "Syntax error: failed at position 14 (x) (line 2, col 5): x y. Expected one of: "),
        ("SELECT 1 SETTINGS max_threads=1", "Cannot modify 'max_threads' setting in readonly mode"),
        ("SELECT 1 FORMAT Nothing", "Unknown format Nothing. "),
    ],
)
def test_a_refusal_is_about_the_query_as_written(ask: Ask, query: str, said: str) -> None:
    """No line, no bracket and no word in it is of our making."""
    told = ask(query).exception
    assert isinstance(told, Misuse)
    assert str(told).startswith(f"The warehouse refuses: {said}")
    assert "(in query" not in str(told)


def test_a_query_names_one_format(ask: Ask) -> None:
    """What it ends in, and what an option says, are not both true."""
    told = ask("SELECT 1 AS format ORDER BY format DESC FORMAT CSV", "--json").exception
    assert isinstance(told, Misuse)
    assert str(told) == "The query ends in FORMAT CSV, and the options say JSON."


def test_a_format_has_a_name(ask: Ask) -> None:
    """Anything else is refused before it is sent."""
    told = ask("SELECT 1", "--format", "CSV\r\nX: y").exception
    assert isinstance(told, Misuse)
