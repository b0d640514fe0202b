"""The result of a query in pieces, the same bytes as a server's.

Rules:
- The engine streams a result as a document for each of its blocks. So only such formats are streamed whose documents,
  one after the other, are the document of the whole (ROWS): each held to that by a test.
- All others have a head, an end or something between rows. The engine writes them into a file without a name beside
  its data, and they are sent from there: not memory bounds them, but the disk.
- Who asks to be told of the end first has the others kept, too: what is small in memory, what is not in such a file.
- What a statement's format is, the engine says: it writes the statement down as it has read it.
"""

from collections.abc import Iterable, Iterator, Mapping
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
_READ = f"SELECT getSetting('{_ARRAY}'), formatQuerySingleLine({{sql:String}})"


def of(connection: Any, sql: str, form: str, parameters: Mapping[str, str], folder: Path) -> Iterator[bytes]:
    """The result of a statement that reads; `form` is its format where it names none."""
    is_array, text = _read(connection, sql) if form.isidentifier() else (False, "")
    if text and question.format_of(text, form).lower() in ROWS and not is_array:
        return _streamed(connection, sql, form, parameters)
    if text:
        return _written(connection, text, form, parameters, folder)
    return iter((connection.query(sql, form, params=dict(parameters)).bytes(),))  # it says what is wrong


def kept(pieces: Iterable[bytes], folder: Path) -> Iterator[bytes]:
    """The same bytes, the first of them once the last is there."""
    with SpooledTemporaryFile(PIECE, dir=str(folder)) as file:
        for piece in pieces:
            file.write(piece)
        yield from _from(file)


def _read(connection: Any, sql: str) -> tuple[bool, str]:
    """Are rows of JSON an array; the statement as the engine has read it, or "" where it cannot."""
    escaped = sql.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    try:
        said = connection.query(_READ, "TabSeparatedRaw", params={"sql": escaped}).bytes().decode("utf-8", "replace")
    except RuntimeError:
        return False, ""
    is_array, _, text = said.rstrip("\n").partition("\t")
    return is_array == "true" or _ARRAY in text, text


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


def _written(connection: Any, text: str, form: str, parameters: Mapping[str, str], folder: Path) -> Iterator[bytes]:
    with TemporaryFile(dir=folder) as file:
        connection.query(question.written_to(text, f"/dev/fd/{file.fileno()}", form), "Null", params=dict(parameters))
        yield from _from(file)


def _from(file: IO[bytes] | SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
