"""The embedded warehouse speaks ClickHouse's HTTP interface: with its own client, and bare as curl does."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from streams.settings import Settings
from tests.waiting import until

pytestmark = pytest.mark.service

COLUMNS = "n UInt64, text String, leg FixedString(16), at DateTime64(6, 'UTC'), kind LowCardinality(String)"
ROW = (1, "a'b\t\x00é\\", b"0123456789abcdef", datetime(2026, 11, 24, 9, 0, 0, 5, UTC), "read")


@pytest.fixture
def client(stack: Settings, ledger: str) -> Iterator[Client]:
    """A client of a database of its own, with a table `t` of all the kinds of columns that Custody uses."""
    with closing(clickhouse_connect.get_client(**stack.clickhouse_client())) as outside:
        outside.command(f"CREATE DATABASE {ledger}")
    with closing(clickhouse_connect.get_client(**stack.clickhouse_client(), database=ledger)) as inside:
        inside.command(f"CREATE TABLE t ({COLUMNS}, list Array(String), maybe Nullable(Int32)) ORDER BY n")
        yield inside


class Answer:
    """An HTTP answer, read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        """Read all of it."""
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


@pytest.fixture
def ask(stack: Settings) -> "Ask":
    """Asks the warehouse over bare HTTP, as curl does."""
    return Ask(stack)


class Ask:
    """One request a call."""

    def __init__(self, settings: Settings) -> None:
        """Take place and password from the settings."""
        self._place = urlsplit(settings.clickhouse_url or "").netloc
        self._key = settings.clickhouse_client()["password"]

    def __call__(self, body: bytes = b"", url: str = "/", method: str = "POST", **headers: str) -> Answer:
        """Ask with our credentials, unless the headers have others; `_` in a header's name is `-`."""
        with closing(self.begin(body, url, method, 30, **headers)) as connection:
            return Answer(connection.getresponse())

    def bare(self, url: str) -> Answer:
        """GET without credentials."""
        return self(url=url, method="GET", X_ClickHouse_User="", X_ClickHouse_Key="")

    def begin(
        self, body: bytes = b"", url: str = "/", method: str = "POST", patience: float = 30, **headers: str
    ) -> http.client.HTTPConnection:
        """Send the request only."""
        sent = {"X-ClickHouse-User": "custody", "X-ClickHouse-Key": self._key}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(self._place, timeout=patience)
        connection.request(method, url, body=body, headers=sent)
        return connection


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_rows_come_back_as_they_went_in(stack: Settings, client: Client, compress: "bool | str") -> None:
    """Rows inserted in Native columns, compressed or not, are read back the same."""
    options = {**stack.clickhouse_client(), "compress": compress, "database": client.database}
    with closing(clickhouse_connect.get_client(**options)) as compressing:
        summary = compressing.insert("t", [[*ROW, ["x=1"], None]] * 3)
        read = compressing.query("SELECT * FROM t", query_tz="UTC").result_rows
    assert summary.written_rows == 3
    assert [(*row[:3], row[4:]) for row in read] == [(*ROW[:3], ("read", ["x=1"], None))] * 3
    assert client.command("SELECT max(toUnixTimestamp64Micro(at)) FROM t") == 1795510800000005


def test_arrow_goes_both_ways(client: Client) -> None:
    """An Arrow table is inserted and read back."""
    table = pa.table({"n": pa.array([1, 2], pa.uint64()), "text": ["a", "b"]})
    client.insert_arrow("t", table)
    assert client.query_arrow("SELECT n, text FROM t ORDER BY n").to_pydict() == table.to_pydict()


def test_parameters_and_settings_are_taken(client: Client) -> None:
    """Values travel beside the statement, quotes and control characters included; settings hold for one query only."""
    asked = client.query("SELECT {a:UInt8} + 1, {s:String}", parameters={"a": 3, "s": "it's\t\\\n"})
    assert asked.result_rows == [(4, "it's\t\\\n")]
    asked = client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 7})
    assert asked.result_rows == [(7,)]
    assert client.query("SELECT getSetting('max_block_size')").result_rows != [(7,)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT nope", 47),
        ("SELECT * FROM nope.t", 81),
        ("SELEC", 62),
        ("INSERT INTO nope VALUES (1)", 60),
    ],
)
def test_errors_are_clickhouses(client: Client, sql: str, code: int) -> None:
    """What the engine refuses is told with ClickHouse's code."""
    with pytest.raises(DatabaseError, match=f"Code: {code}[.] DB::Exception"):
        client.command(sql)


def test_an_error_in_the_middle_is_not_a_short_result(client: Client) -> None:
    """A result that fails after its first rows ends in an error, never in fewer rows."""
    failing = "SELECT throwIf(number = 2000000, 'in the middle') FROM numbers(3000000)"
    with pytest.raises(StreamFailureError, match="in the middle"), client.query_row_block_stream(failing) as blocks:
        assert sum(len(block) for block in blocks) < 0
    with pytest.raises(DatabaseError, match="in the middle"):
        assert client.query(failing).row_count < 0


def test_a_large_result_is_streamed(client: Client) -> None:
    """Three million rows arrive in blocks."""
    with client.query_row_block_stream("SELECT number FROM numbers(3000000)") as blocks:
        assert sum(len(block) for block in blocks) == 3000000


def test_a_large_document_is_one_document(ask: Ask, client: Client) -> None:
    """A format with a head and an end has them once, however many blocks the result has."""
    sql = "SELECT number AS n FROM numbers(200000)"
    assert json.loads(ask(f"{sql} FORMAT JSON".encode()).body)["rows"] == 200_000
    assert ask(f"{sql} ORDER BY n".encode(), "/?default_format=CSVWithNames").body.count(b'"n"') == 1
    assert pa.ipc.open_stream(ask(f"{sql} FORMAT ArrowStream".encode()).body).read_all().num_rows == 200_000
    assert client.query_arrow(sql).num_rows == 200_000


def test_whatever_reads_is_answered_over_http(ask: Ask, client: Client) -> None:
    """What the engine makes into another query, rows under a column called format, and a request with settings."""
    where = f"/?database={client.database}&default_format="
    assert client.raw_query("SHOW TABLES", fmt="RowBinaryWithNamesAndTypes").endswith(b"\x01t")
    assert ask(b"SHOW TABLES", f"{where}CSVWithNames").body == b'"name"\n"t"\n'
    answer = ask(b"SELECT 1 AS format ORDER BY format DESC", f"{where}CSVWithNames")
    assert (answer.body, answer.headers["X-ClickHouse-Format"]) == (b'"format"\n1\n', "CSVWithNames")
    answer = ask(b"SELECT 1 AS x", f"{where}JSONCompact&extremes=1")
    assert (answer.status, json.loads(answer.body)["extremes"]) == (200, {"min": [1], "max": [1]})


@pytest.mark.parametrize("form", ["TSV", "JSON"])
def test_who_waits_for_the_end_is_told_by_the_status(ask: Ask, form: str) -> None:
    """What fails in the middle of a result has a status and no rows, where the request says so."""
    answer = ask(
        b"SELECT throwIf(number = 1000000) FROM numbers(2000000)", f"/?wait_end_of_query=1&default_format={form}"
    )
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (500, "395")
    assert answer.body.startswith(b"Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero")


def test_nobody_writes_files_over_http(ask: Ask, tmp_path: Path) -> None:
    """The server's own files are not the client's."""
    answer = ask(f"SELECT 1 INTO OUTFILE '{tmp_path / 'x'}'".encode(), "/?readonly=1")
    assert (answer.headers["X-ClickHouse-Exception-Code"], list(tmp_path.iterdir())) == ("358", [])
    for rows in ("SELECT 1", "VALUES (1)", "FORMAT CSV\n1"):
        answer = ask(f"INSERT INTO FUNCTION file('{tmp_path / 'x'}', 'CSV', 'x Int8') {rows}".encode(), "/")
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "order", ["KILL QUERY WHERE 1", "/* */ system stop merges", "SYSTEM FLUSH LOGS", "SET readonly = 0"]
)
def test_who_may_only_read_gives_no_orders(ask: Ask, order: str) -> None:
    """Nobody's query is ended, and no merges stopped, by a dashboard; who may write may."""
    answer = ask(order.encode(), "/?readonly=1")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "164")
    assert ask(b"SYSTEM FLUSH LOGS", "/").status == 200


def test_curl_needs_no_client(ask: Ask, client: Client) -> None:
    """Statement in the body or in the URL, rows after it or apart, and the formats of the world."""
    where = f"/?database={client.database}"
    columns = quote("INSERT INTO t (n, text) FORMAT TSV")
    assert ask(b"INSERT INTO t (n, text) VALUES (1, 'FORMAT x'), (2, 'b')", where).status == 200
    assert ask(b'INSERT INTO t (n, text) FORMAT JSONEachRow {"n": 3, "text": "c"}', where).status == 200
    assert ask(b"4\td\n", f"{where}&query={columns}").headers["X-ClickHouse-Summary"].count('"written_rows":"1"') == 1
    assert ask(b"INSERT INTO t (n) SELECT 5", where).status == 200
    assert ask(b"SELECT n, text FROM t ORDER BY n", where).body == b"1\tFORMAT x\n2\tb\n3\tc\n4\td\n5\t\n"
    answer = ask(b"SELECT max(n) AS n FROM t FORMAT JSONEachRow", where)
    assert (answer.body, answer.headers["X-ClickHouse-Format"]) == (b'{"n":5}\n', "JSONEachRow")
    answer = ask(url=f"{where}&default_format=JSONCompact&query={quote('SELECT 1 AS one')}", method="GET")
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"


def test_a_get_changes_nothing(ask: Ask, client: Client) -> None:
    """A GET may only read, as in ClickHouse."""
    answer = ask(url=f"/?database={client.database}&query={quote('DROP TABLE t')}", method="GET")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "164")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X_ClickHouse_Key": "wrong"}, 403, "516"),
        ({"X_ClickHouse_User": "default"}, 403, "516"),
        ({"X_ClickHouse_User": "", "X_ClickHouse_Key": ""}, 401, "194"),
    ],
)
def test_the_password_is_the_wall(ask: Ask, headers: dict[str, str], status: int, code: str) -> None:
    """Without the user and the password nothing is answered."""
    answer = ask(b"SELECT 1", **headers)
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert answer.body.startswith(f"Code: {code}. DB::Exception".encode())


def test_what_is_missing_is_refused(ask: Ask) -> None:
    """Block compression and external tables are refused by name rather than misread."""
    assert ask(b"SELECT 1", "/?decompress=1").status == 501
    assert ask(b"--x--", Content_Type="multipart/form-data; boundary=x").status == 501
    assert ask(b"SELECT 1", Content_Encoding="br").status == 400
    assert ask(b"not lz4", Content_Encoding="lz4").status == 400


def test_half_an_insert_stores_nothing(ask: Ask, client: Client) -> None:
    """An insert whose rows cannot be read is refused, and the next one is not disturbed."""
    where = f"/?database={client.database}"
    assert ask(b'INSERT INTO t (n) FORMAT JSONEachRow {"n": 1} {"n": "x"}', where).status == 400
    assert ask(b"SELECT count() FROM t", where).body == b"0\n"
    assert ask(b"INSERT INTO t (n) VALUES (1)", where).status == 200


def test_a_client_that_leaves_in_the_middle_of_its_rows_stores_nothing(ask: Ask, client: Client) -> None:
    """Rows whose sender vanished before the last of them are not stored."""
    statement = b"INSERT INTO t (n) FORMAT TSV\n"
    begun = ask.begin(statement + b"1\n2\n", f"/?database={client.database}", Content_Length="1000000")
    begun.close()
    until(lambda: not ask(b"SELECT query FROM system.processes WHERE query LIKE 'INSERT%'").body, "its end")
    assert ask(b"SELECT count() FROM t", f"/?database={client.database}").body == b"0\n"


def test_a_long_parameter_fits(ask: Ask) -> None:
    """A parameter of a hundred thousand characters in the URL is taken, as ClickHouse takes it."""
    assert ask(b"SELECT length({s:String})", "/?param_s=" + "x" * 100_000).body == b"100000\n"


def test_ping_needs_no_password(ask: Ask) -> None:
    """Whether it lives may be asked by anyone on this machine; so may the packaged schemas."""
    assert ask.bare("/ping").body == b"Ok.\n"
    assert b"MessageEvent" in ask.bare("/schemas/ids/1").body


def test_queries_run_side_by_side(ask: Ask) -> None:
    """A quick question is answered while a slow one is worked on, which does not end before."""
    slow = b"SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1 -- slow"
    with closing(ask.begin(slow)):
        until(lambda: at_work(ask, b"slow"), "the slow one")
        assert ask(b"SELECT 1").body == b"1\n"
        assert at_work(ask, b"slow")
    until(lambda: not at_work(ask, b"slow"), "its end")


def at_work(ask: Ask, word: bytes) -> bool:
    """Is a query with a word in it worked on."""
    return word in ask(b"SELECT query FROM system.processes WHERE query NOT LIKE '%processes%'").body


def test_a_client_that_leaves_takes_its_query_with_it(ask: Ask) -> None:
    """A query whose client has gone is stopped, not finished for nobody."""
    endless = b"SELECT sum(cityHash64(number)) FROM numbers(1000000000000) GROUP BY number % 7 -- endless"
    with closing(ask.begin(endless, patience=0.5)) as connection, pytest.raises(TimeoutError):
        connection.getresponse()
    until(lambda: not at_work(ask, b"endless"), "its end")
