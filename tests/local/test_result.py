"""A result of several blocks is what the engine gives in one piece, in every format."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from streams.local import result
from streams.local.engine import Engine, Refused

pytestmark = pytest.mark.service

ROWS = "SELECT number AS n, toString(number) AS s FROM numbers(200000) ORDER BY n"
TOTALS = "SELECT number AS n, toString(count()) AS s FROM numbers(200000) GROUP BY n WITH TOTALS ORDER BY n"
READONLY = {"readonly": "1"}
FAILS = "SELECT throwIf(number = 2000000) FROM numbers(3000000)"
DOCUMENTS = (
    *("JSON", "JSONCompact", "JSONColumns", "JSONObjectEachRow", "JSONCompactEachRowWithNames", "XML"),
    *("CSVWithNames", "CSVWithNamesAndTypes", "TSVWithNames", "RowBinaryWithNamesAndTypes", "CustomSeparatedWithNames"),
    *("Arrow", "ArrowStream", "Parquet", "ORC", "Avro", "Values", "SQLInsert", "Markdown", "Vertical"),
    *("PrettyCompact", "PrettyCompactMonoBlock", "csvwithnames"),
)
"""Formats that are no rows alone."""
_ELAPSED = re.compile(rb'(elapsed[">: ]+)[0-9.e-]+')


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine in this process."""
    with closing(Engine(tmp_path_factory.mktemp("engine"))) as opened:
        yield opened


def asked(
    engine: Engine, sql: str, form: str, settings: Mapping[str, str] = READONLY, *, is_whole: bool = False
) -> list[bytes]:
    """The pieces of a result."""
    with closing(engine.session("", {"max_threads": "1", **settings}, "q")) as session:
        return list(session.ask(sql, form, {"x": "y"}, is_whole=is_whole))


def in_one_piece(engine: Engine, sql: str, form: str) -> bytes:
    """The same as the engine gives it, held in memory."""
    return _ELAPSED.sub(rb"\1", engine._base.query(sql, form).bytes())


@pytest.mark.parametrize("form", [*sorted(result.ROWS), *DOCUMENTS])
def test_a_result_of_several_blocks_is_one_document(engine: Engine, form: str) -> None:
    """What is streamed and what is not are the bytes of the whole."""
    pieces = asked(engine, ROWS, form)
    assert _ELAPSED.sub(rb"\1", b"".join(pieces)) == in_one_piece(engine, ROWS, form)
    assert len(pieces) > 1 or form in {*DOCUMENTS, "null"}


@pytest.mark.parametrize("form", ["TSV", "CSV", "JSONEachRow", "Native", "JSON", "CSVWithNames"])
def test_totals_stand_at_the_end(engine: Engine, form: str) -> None:
    """They come once."""
    told = _ELAPSED.sub(rb"\1", b"".join(asked(engine, TOTALS, form)))
    assert told == in_one_piece(engine, TOTALS, form)


@pytest.mark.parametrize(
    "ending",
    [
        "FORMAT CSVWithNames",
        "FORMAT CSVWithNames -- isn't FORMAT CSV",
        "FORMAT CSVWithNames SETTINGS session_timezone = 'UTC';",
        "SETTINGS session_timezone = 'UTC' FORMAT CSVWithNames /* FORMAT CSV */",
    ],
)
def test_the_statement_names_its_format(engine: Engine, ending: str) -> None:
    """However it ends, and whatever its comments say."""
    told = b"".join(asked(engine, f"{ROWS} {ending}", "TSV", {}))
    assert told == in_one_piece(engine, ROWS, "CSVWithNames")


def test_rows_in_brackets_are_a_document(engine: Engine) -> None:
    """A setting makes an array of rows of JSON: of the request, or of the statement."""
    name = "output_format_json_array_of_rows"
    whole = in_one_piece(engine, f"{ROWS} SETTINGS {name} = 1", "JSONEachRow")
    assert whole.startswith(b"[")
    assert b"".join(asked(engine, ROWS, "JSONEachRow", {name: "1"})) == whole
    assert b"".join(asked(engine, f"{ROWS} SETTINGS {name} = 1", "JSONEachRow", {})) == whole


def test_parameters_reach_a_document(engine: Engine) -> None:
    """Line ends, tabs and quotes of the statement do, too."""
    sql = "SELECT {x:String} AS a,\n\t'it\\'s\\t\n' AS `b\nc`"
    assert b"".join(asked(engine, sql, "JSONCompactColumns")).split() == rb"""[ ["y"], ["it's\t\n"] ]""".split()


@pytest.mark.parametrize("form", ["TSV", "JSON"])
def test_who_waits_for_the_end_is_given_nothing_of_what_fails(engine: Engine, form: str) -> None:
    """The first piece is the refusal; a result that does not fail is the same."""
    with pytest.raises(Refused, match="Value passed to 'throwIf'"):
        asked(engine, FAILS, form, is_whole=True)
    with closing(engine.session("", {"max_threads": "1"}, "q")) as session:
        assert form == "JSON" or next(session.ask(FAILS, form, {}))
        with pytest.raises(Refused):
            next(session.ask(FAILS, form, {}, is_whole=True))
    whole = _ELAPSED.sub(rb"\1", b"".join(asked(engine, ROWS, form, is_whole=True)))
    assert whole == in_one_piece(engine, ROWS, form)


@pytest.mark.parametrize(
    ("sql", "form", "code"),
    [
        ("SELECT 1; SELECT 2", "JSON", 62),
        ("SELECT 1", "CSV; SELECT 2", 73),
        ("SELECT 1", "nope", 73),
        ("SELECT FROM WHERE", "JSON", 62),
    ],
)
def test_a_request_is_one_statement_in_a_format(engine: Engine, sql: str, form: str, code: int) -> None:
    """Anything else is refused in the engine's words."""
    with pytest.raises(Refused) as told:
        asked(engine, sql, form)
    assert told.value.code == code


@pytest.mark.parametrize("sql", ["SELECT 1 INTO/**/OUTFILE '{}' TRUNCATE", "SHOW TABLES into outfile '{}' FORMAT CSV"])
def test_nobody_writes_files(engine: Engine, tmp_path: Path, sql: str) -> None:
    """A read-only session could overwrite any file of ours."""
    with pytest.raises(Refused, match="INTO OUTFILE is not allowed"):
        asked(engine, sql.format(tmp_path / "file"), "TSV")
    assert list(tmp_path.iterdir()) == []
    assert asked(engine, "SELECT 'INTO OUTFILE'", "TSV") == [b"INTO OUTFILE\n"]
