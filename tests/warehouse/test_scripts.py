"""The packaged SQL is cut and filled as its files say."""

from streams.warehouse import reliability, scripts
from streams.warehouse.derive import KEPT, WORDS


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


def test_a_reliability_view_without_columns_is_the_total() -> None:
    """No GROUP BY, and every other view has one."""
    assert "GROUP BY" not in reliability.view("reliability_total")
    assert all("GROUP BY" in reliability.view(name) for name in reliability.BY if name != "reliability_total")
