"""The packaged SQL is cut and filled as its files say."""

import fnmatch
import re
from pathlib import Path

from streams.warehouse import migrations, reliability, scripts
from streams.warehouse.derive import KEPT, WORDS

RIGHTS = (Path(__file__).parents[2] / "infra" / "rights.md").read_text(encoding="utf-8")

TABLES = {*migrations.KEPT, "derivations"}

NAMES, FROM = re.compile(r"`([\w*]+)`"), re.compile(r"\b(?:FROM|JOIN) (\w+)")


def test_every_word_of_a_block_is_known() -> None:
    """No `@word` is left in a statement of the derivation."""
    words = {**WORDS, **KEPT, "table": "unit_records"}
    for statements in scripts.blocks("derive").values():
        for statement in statements:
            assert "@" not in scripts.filled(statement, words).replace("'@'", "")


def test_comments_alone_are_no_statement() -> None:
    """A script's last words may be a comment."""
    assert scripts.statements("-- why\nSELECT 1;\n\nSELECT ';' AS a;\n-- end\n") == [
        "-- why\nSELECT 1",
        "SELECT ';' AS a",
    ]


def test_a_view_has_the_columns_of_its_table_without_the_internal_ones() -> None:
    """Types and comments are said once."""
    columns = [scripts.Column("a", "Int32", "it's"), scripts.Column("version", "UInt64", "")]
    shaped = scripts.with_columns("VIEW x (@columns(t)) AS SELECT @names(t) FROM t", lambda _: columns)
    assert shaped == "VIEW x (`a` Int32 COMMENT 'it\\'s') AS SELECT `a` FROM t"


def test_views_are_made_after_those_they_read() -> None:
    """The derivation's clock first, then custody."""
    assert scripts.views()[:2] == ["derivation", "custody"]


def test_readme_says_what_whoever_reads_a_view_must_be_granted() -> None:
    """Views read with the rights of whoever asks, through views that they read as well."""
    rows = re.findall(r"^\| (`.+`) \| (`.+`) \|$", RIGHTS.partition("it must also be granted")[2], re.MULTILINE)
    said = {view: set(NAMES.findall(tables)) for shown, tables in rows for view in NAMES.findall(shown)}
    every = [*scripts.views(), *reliability.BY]
    assert {view for shown in said for view in fnmatch.filter(every, shown)} == set(every)
    for shown, tables in said.items():
        views = fnmatch.filter(every, shown)
        assert views
        assert {view: read_by(view) for view in views} == dict.fromkeys(views, tables)


def read_by(view: str) -> set[str]:
    """Tables and views that a view reads, by itself or by another."""
    text = reliability.view(view) if view in reliability.BY else scripts.text(f"views/{view}.sql")
    named = {name for name in FROM.findall(text) if name in scripts.views() or name in TABLES}
    return named.union(*(read_by(name) for name in named - TABLES))


def test_a_reliability_view_without_columns_is_the_total() -> None:
    """No GROUP BY, and every other view has one."""
    assert "GROUP BY" not in reliability.view("reliability_total")
    assert all("GROUP BY" in reliability.view(name) for name in reliability.BY if name != "reliability_total")
