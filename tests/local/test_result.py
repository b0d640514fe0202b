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
INSIDE = (
    *("SHOW DATABASES", "SHOW TABLES FROM system LIKE 'on%'", "SHOW SETTINGS LIKE 'max_block_size'", "SHOW GRANTS"),
    *("SHOW COLUMNS FROM one FROM system", "SHOW FUNCTIONS LIKE 'plus'", "SHOW ENGINES"),
    *("EXPLAIN AST SELECT 1", "EXPLAIN SYNTAX SELECT 1 + 1", "EXPLAIN SELECT 1", "DESCRIBE TABLE system.one"),
    *("EXISTS TABLE system.one", "SELECT * FROM (EXPLAIN AST SELECT 1)", "WITH 1 AS a SELECT a", "(SELECT 1)"),
    *("(SELECT 1) INTERSECT (SELECT 1)", "FROM system.one SELECT dummy", "SELECT 1 ORDER BY 1 LIMIT 1 WITH TIES"),
)
"""Statements of one block; many are others once the engine has begun."""
_ELAPSED = re.compile(rb'(elapsed[">: ]+|"?rows_read"?: |"?bytes_read"?: |<(?:rows|bytes)_read>)[0-9.e-]+')
_AVRO, _MARKER = b"Obj\x01", 16
"""What an Avro file begins with, and the bytes by which it divides its blocks: drawn anew for each file."""


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
        return list(session.ask(sql, form, {"x": "y", "f": "file"}, is_whole=is_whole))


def in_one_piece(engine: Engine, sql: str, form: str) -> bytes:
    """The same as the engine gives it, held in memory."""
    return lasting(engine._base.query(sql, form).bytes())


def lasting(told: bytes) -> bytes:
    """What of a document is the same each time: its marker stands after the head of Avro and after each block."""
    if told.startswith(_AVRO):
        return told.replace(told[-_MARKER:], b"." * _MARKER)
    return _ELAPSED.sub(rb"\1", told)


@pytest.mark.parametrize("form", [*sorted(result.ROWS), *DOCUMENTS])
def test_a_result_of_several_blocks_is_one_document(engine: Engine, form: str) -> None:
    """What is streamed and what is not are the bytes of the whole."""
    pieces = asked(engine, ROWS, form)
    assert lasting(b"".join(pieces)) == in_one_piece(engine, ROWS, form)
    assert len(pieces) > 1 or form in {*DOCUMENTS, "null"}


@pytest.mark.parametrize("sql", INSIDE)
def test_whatever_reads_is_answered(engine: Engine, sql: str) -> None:
    """By rows and by documents; not everything that reads can be written into a file."""
    for form in ("TSV", "JSONEachRow", "JSON", "CSVWithNames", "RowBinaryWithNamesAndTypes", "PrettyCompactMonoBlock"):
        for asks, default in ((sql, form), (f"{sql} FORMAT {form}", "CSV")):
            told = lasting(b"".join(asked(engine, asks, default, {})))
            assert told == in_one_piece(engine, asks, default)


@pytest.mark.parametrize("form", ["TSV", "CSV", "JSONEachRow", "Native", "JSON", "CSVWithNames"])
def test_totals_stand_at_the_end(engine: Engine, form: str) -> None:
    """They come once."""
    told = lasting(b"".join(asked(engine, TOTALS, form)))
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


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS format ORDER BY format",
        "SELECT 1 AS format ORDER BY format DESC",
        "SELECT 1 AS `FORMAT` ORDER BY `FORMAT`",
        "SELECT 1 AS format ORDER BY format SETTINGS max_threads = 1",
        "SELECT 1 AS format ORDER BY format DESC SETTINGS max_threads = 1 -- FORMAT XML",
    ],
)
@pytest.mark.parametrize("form", ["JSONCompact", "CSVWithNames", "TSV"])
def test_a_column_may_be_called_format(engine: Engine, sql: str, form: str) -> None:
    """The engine itself says whether a statement names its format."""
    whole = in_one_piece(engine, sql.partition(" --")[0], form)
    assert lasting(b"".join(asked(engine, sql, form, {}))) == whole
    named = f"{sql.partition(' --')[0]} FORMAT {form}"
    assert lasting(b"".join(asked(engine, named, "XML", {}))) == whole


@pytest.mark.parametrize("settings", [{"extremes": "1"}, {"limit": "5"}, {"offset": "1"}, {"max_result_rows": "1"}])
@pytest.mark.parametrize("readonly", ["0", "1"])
@pytest.mark.parametrize("form", ["JSONCompact", "TSV"])
def test_settings_are_the_statements_own(engine: Engine, settings: Mapping[str, str], readonly: str, form: str) -> None:
    """What we ask the engine about a statement is not bent by them."""
    sql = "SELECT number AS x FROM numbers(1)"
    pairs = ", ".join(f"{name} = {value}" for name, value in settings.items())
    whole = in_one_piece(engine, f"{sql} SETTINGS {pairs}", form)
    assert lasting(b"".join(asked(engine, sql, form, {**settings, "readonly": readonly}))) == whole


def test_who_asked_is_told_the_format(engine: Engine) -> None:
    """The one that the statement names, or else the one that was asked for."""
    for sql, form in (("SELECT 1 AS format ORDER BY format DESC", "TSV"), ("SELECT 1 -- ?\nFORMAT CSV;", "CSV")):
        with closing(engine.session("", {}, "q")) as session:
            assert list(session.ask(sql, "TSV", {}))
            assert session.output_format == form


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
    whole = lasting(b"".join(asked(engine, ROWS, form, is_whole=True)))
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


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO FUNCTION file('{}', 'CSV') SELECT 1",
        "insert into/**/table function file('{}', 'CSV', 'x Int8') SELECT 1",
        "WITH 1 AS x INSERT INTO FUNCTION file('{}', 'CSV') SELECT x",
    ],
)
def test_no_insert_goes_elsewhere(engine: Engine, tmp_path: Path, sql: str) -> None:
    """Into a file, or another server: tables are what is written, even by who may write."""
    with pytest.raises(Refused, match="INSERT INTO FUNCTION is not served here"):
        asked(engine, sql.format(tmp_path / "file"), "TSV", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opening", ["INSERT INTO FUNCTION", "insert /* */ into table function"])
def test_no_rows_go_elsewhere(engine: Engine, tmp_path: Path, opening: str) -> None:
    """Rows in pieces, neither."""
    with (
        closing(engine.session("", {}, "q")) as session,
        pytest.raises(Refused, match="INSERT INTO FUNCTION is not served here"),
    ):
        session.begin(f"{opening} file('{tmp_path / 'file'}', 'CSV', 'x Int8') -- here", "CSV")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('{}')",
        "SELECT \"f\\x69le\"/* */('{}')",
        "SELECT arrayMap(((`file`) AS f), ['{}'])",
        "SELECT arrayMap({{f:Identifier}}, ['{}'])",
        "SELECT * APPLY(file) FROM (SELECT '{}')",
        "FROM system.one |> SELECT file('{}')",
        "SELECT * FROM eval(concat('SELECT fi', 'le(\\'{}\\')')) SETTINGS allow_experimental_eval_table_function = 1",
        "DESC `file`('{}')",
        "DESCRIBE TABLE url('file://{}', 'CSV')",
        "DESCRIBE TABLE loop(file('{}'))",
    ],
)
def test_who_may_only_read_opens_no_files(engine: Engine, tmp_path: Path, sql: str) -> None:
    """By none of the ways in which the engine would; who may write can."""
    file = tmp_path / "file.csv"
    file.write_text("secret")
    with pytest.raises(Refused, match="not opened in readonly mode"):
        asked(engine, sql.format(file), "TSV", {"readonly": "2"})
    if sql.startswith("SELECT file"):
        assert asked(engine, sql.format(file), "TSV", {}) == [b"secret\n"]


def test_a_column_may_be_called_file(engine: Engine) -> None:
    """Events have one; and a text may say anything."""
    sql = "SELECT any(file), groupArray(file), 'file(' FROM (SELECT 'x' AS file) WHERE file IN ('x') GROUP BY (file)"
    assert asked(engine, sql, "TSV") == [b"x\t['x']\tfile(\n"]
    assert asked(engine, "DESCRIBE (SELECT 1 AS file)", "TSV") == [b"file\tUInt8\t\t\t\t\t\n"]
