"""ClickHouse's HTTP protocol, read without a server."""

from base64 import b64encode

import pytest

from streams.local import question


def test_url_parameters_are_told_apart() -> None:
    """`param_` names are parameters, known names are the protocol's, all others are settings."""
    asked = question.read(
        {"query": "SELECT 1", "database": "custody", "param_x": "7", "max_threads": "2", "session_id": "s"}, {}
    )
    assert (asked.sql, asked.database, asked.parameters) == ("SELECT 1", "custody", {"x": "7"})
    assert asked.settings == {"max_threads": "2"}


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ({}, {"Authorization": "Basic " + b64encode(b"custody:p:w").decode()}),
        ({}, {"X-ClickHouse-User": "custody", "X-ClickHouse-Key": "p:w"}),
        ({"user": "custody", "password": "p:w"}, {}),
    ],
)
def test_credentials_come_in_three_ways(url: dict[str, str], headers: dict[str, str]) -> None:
    """Basic authentication, ClickHouse's headers and the URL all name the user."""
    asked = question.read(url, headers)
    assert (asked.user, asked.password) == ("custody", "p:w")


@pytest.mark.parametrize("value", ["Basic !", "Basic /w==", "Bearer x", ""])
def test_odd_credentials_are_nobody(value: str) -> None:
    """An Authorization header that cannot be read names nobody."""
    assert question.read({}, {"Authorization": value}).user == ""


@pytest.mark.parametrize(
    ("statement", "sql", "form", "rows"),
    [
        (b"INSERT INTO t (a) FORMAT Native\n\x01\n\x02", "INSERT INTO t (a) ", "Native", b"\x01\n\x02"),
        (b"insert into `t format x` format TSV 1\t2\n", "insert into `t format x` ", "TSV", b"1\t2\n"),
        (b"INSERT INTO t VALUES (1, 'FORMAT CSV')", "INSERT INTO t ", "Values", b"(1, 'FORMAT CSV')"),
        (b"-- why\nINSERT INTO t\nFORMAT\nCSV\r\n1", "-- why\nINSERT INTO t\n", "CSV", b"1"),
        (b"INSERT INTO t (`values`, \"format\") SETTINGS a='FORMAT b' FORMAT CSV\n1", None, "CSV", b"1"),
        (b"INSERT INTO formats FORMAT JSONEachRow{}", None, "JSONEachRow", b"{}"),
    ],
)
def test_an_insert_is_split_from_its_rows(statement: bytes, sql: str | None, form: str, rows: bytes) -> None:
    """The rows of an INSERT begin after its FORMAT or VALUES; quoted words are no keywords."""
    found = question.split(statement)
    assert found is not None
    assert sql is None or found.sql == sql
    assert (found.input_format, found.first) == (form, rows)


@pytest.mark.parametrize(
    "statement",
    [b"INSERT INTO t SELECT 1 FORMAT Native", b"INSERT INTO t WITH 1 AS x SELECT x", b"SELECT 1 FORMAT CSV", b"INSERT"],
)
def test_what_brings_no_rows_is_not_split(statement: bytes) -> None:
    """An INSERT of a SELECT, a SELECT, or half a statement brings no rows."""
    assert question.split(statement) is None


@pytest.mark.parametrize(
    ("sql", "unnamed", "written"),
    [
        ("SELECT 1", "CSV", "SELECT 1 INTO OUTFILE '/f' APPEND FORMAT CSV"),
        ("SELECT format ORDER BY format ASC", "CSV", None),
        ("SELECT 1 FORMAT JSON SETTINGS a = 1", "", "SELECT 1 INTO OUTFILE '/f' APPEND FORMAT JSON SETTINGS a = 1"),
        ("SELECT 1 SETTINGS a = 'b' FORMAT JSON", "", "SELECT 1 SETTINGS a = 'b' INTO OUTFILE '/f' APPEND FORMAT JSON"),
    ],
)
def test_a_result_is_written_to_a_file(sql: str, unnamed: str, written: str | None) -> None:
    """In the statement's format, or else in the default one."""
    written = written or f"{sql} INTO OUTFILE '/f' APPEND FORMAT {unnamed}"
    assert " ".join(question.written_to(sql, "/f", unnamed).split()) == written


@pytest.mark.parametrize(("value", "is_whole"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_a_client_may_wait_for_the_end(value: str, is_whole: bool) -> None:  # noqa: FBT001
    """As on a server, and only where it says so."""
    assert question.read({"wait_end_of_query": value}, {}).is_whole is is_whole
    assert not question.read({}, {}).is_whole


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        ("SELECT 1", "TabSeparated"),
        ("SELECT 1 FORMAT JSON", "JSON"),
        ("SELECT 1 format CSV ;", "CSV"),
        ("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        ("SELECT 1 FORMAT CSV SETTINGS session_timezone = 'UTC', log_comment = 'it\\'s; so'", "CSV"),
        ("SELECT 1 FORMAT CSV; -- isn't\n /* it; */ ", "CSV"),
        ("SELECT 1 ORDER BY format ASC SETTINGS max_threads = 1 FORMAT CSV", "CSV"),
        (
            "SELECT 1 ORDER BY format DESC SETTINGS log_comment = 'FORMAT TSV' FORMAT CSV SETTINGS max_threads = 1",
            "CSV",
        ),
        ("SELECT 'FORMAT CSV'", "TabSeparated"),
        ("SELECT 'x FORMAT CSV SETTINGS \\' '", "TabSeparated"),
        ("SELECT 1 AS `FORMAT CSV SETTINGS x`", "TabSeparated"),
    ],
)
def test_the_format_of_an_answer(sql: str, form: str) -> None:
    """The last FORMAT of a statement names its output format."""
    assert question.format_of(sql, "TabSeparated") == form
