"""The result of a query in pieces, the same bytes as a server's.

Rules:
- The engine streams a result as a document for each of its blocks. So only such formats are streamed whose documents,
  one after the other, are the document of the whole (ROWS): each held to that by a test.
- All others have a head, an end or something between rows. The engine writes them into a file without a name beside
  its data, and they are sent from there: not memory bounds them, but the disk.
- Only a SELECT is written into a file. Others the engine makes into another query once it has begun, and that knows of
  no file (SHOW TABLES); they are small, and kept in memory.
- Who asks to be told of the end first has the others kept, too: what is small in memory, what is not in such a file.
- What a statement's format is, the engine says: it writes the statement down as it has read it, and whether it could
  still be given a format. What it cannot read, it refuses when asked, or it is kept in memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, Any

from streams.local import question

ROWS = frozenset(
    {
        *("native", "rowbinary", "msgpack", "bsoneachrow", "null", "csv", "tskv", "lineasstring", "rawblob"),
        *("tabseparated", "tsv", "tabseparatedraw", "tsvraw", "raw"),
        *("jsoneachrow", "jsonl", "jsonlines", "ndjson", "jsonstringseachrow"),
        *("jsoncompacteachrow", "jsoncompactstringseachrow"),
    }
)
"""Formats that can be streamed, in small letters, as the engine takes a name in any."""

PIECE = 1 << 20
"""Bytes that are read from a file at once; what is no more than that is kept in memory."""

NO_STREAM = "Streaming query is not supported"
_ARRAY = "output_format_json_array_of_rows"
"""The setting that puts brackets around rows of JSON."""
_READ = f"SELECT getSetting('{_ARRAY}'), {question.READ} SETTINGS extremes = 0, limit = 0, offset = 0"
"""Without settings of the client that would bend the answer; where they cannot be changed, there is none."""
_SELECTS = ("SELECT ", "WITH ", "(")
"""How the engine begins to write whatever selects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement as the engine has read it.

    Attributes:
        text: in the engine's own words, "" where it could not read it.
        named: the format that the statement names, or "".
        is_array: rows of JSON are an array.
    """

    text: str = ""
    named: str = ""
    is_array: bool = False

    @property
    def is_select(self) -> bool:
        """Can its result be written into a file."""
        return self.text.startswith(_SELECTS)


def read(connection: Any, sql: str) -> Statement:
    """Have the engine read a statement."""
    escaped = sql.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    try:
        said = connection.query(_READ, "TabSeparatedRaw", params={"sql": escaped}).bytes().decode("utf-8", "replace")
    except RuntimeError:
        return Statement()
    is_array, _, rest = said.rstrip("\n").partition("\t")
    text, _, is_named = rest.rpartition("\t")
    named = question.format_of(text, "") if is_named == "1" else ""
    if is_named == "1" and not named:
        return Statement()
    return Statement(text=text, named=named, is_array=is_array == "true" or _ARRAY in text)


def of(
    connection: Any, sql: str, statement: Statement, form: str, parameters: Mapping[str, str], folder: Path
) -> Iterator[bytes]:
    """The result of a statement that reads; `form` is its format where it names none."""
    if (statement.named or form).lower() in ROWS and statement.text and not statement.is_array:
        return _streamed(connection, sql, form, parameters)
    if statement.is_select and form.isidentifier():
        return _written(connection, statement, form, parameters, folder)
    return iter((connection.query(sql, form, params=dict(parameters)).bytes(),))  # or it says what is wrong


def kept(pieces: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """The same bytes, the first of them once the last is there."""
    with SpooledTemporaryFile(PIECE, dir=str(folder)) as file:
        for piece in pieces:
            file.write(piece)
        yield from _from(file)


def _streamed(connection: Any, sql: str, form: str, parameters: Mapping[str, str]) -> Iterator[bytes]:
    try:
        stream = connection.send_query(sql, form, params=dict(parameters))
    except RuntimeError as error:
        if NO_STREAM not in str(error):
            raise
        yield connection.query(sql, form, params=dict(parameters)).bytes()
        return
    while piece := connection.streaming_fetch_result(stream).bytes():
        yield piece


def _written(
    connection: Any, statement: Statement, form: str, parameters: Mapping[str, str], folder: Path
) -> Iterator[bytes]:
    with TemporaryFile(dir=folder) as file:
        where = f"/dev/fd/{file.fileno()}"
        written = question.written_to(statement.text, where, "" if statement.named else form)
        connection.query(written, "Null", params=dict(parameters))
        yield from _from(file)


def _from(file: IO[bytes] | SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
