"""The ClickHouse engine inside this process (chDB), one session a request.

Rules:
- One process owns a path; within it sessions run side by side, each with its own database, settings and parameters. A
  new session costs less than a millisecond.
- Rows go in and out in pieces: neither an insert nor a result is ever held whole in memory.
- A session is used by one thread at a time and is never closed while one is inside it: the engine would crash.
- The engine's words are kept: a client sees ClickHouse's own code and text.
- As on a server, a request is one statement. INTO OUTFILE is refused, which even a read-only session would obey, and
  so is INSERT INTO FUNCTION, by which rows go into a file or to another server. More is not looked for: who may write
  can still make a table whose engine is a file, with the rights of this process.
- Who may only read ends nobody's query and stops no merges, though the engine, which has no users, would let them. Nor
  do they open files and connections: the engine knows no folder of its users' files, so the functions that would are
  refused by name. A session's own settings are not looked into: who sends them could as well not ask for readonly.
- The engine says that an insert in pieces was done even if it could not store the rows (a full disk [measured, 26.9]);
  its counts of errors tell. An insert beside one that failed may be refused, too: whoever inserts does so again.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from streams.core.errors import Misuse
from streams.local import question, result

NOT_IMPLEMENTED, SYNTAX_ERROR, UNKNOWN_SETTING, READONLY, INTO_OUTFILE_NOT_ALLOWED = 48, 62, 115, 164, 358
BASE_SETTINGS: Mapping[str, str] = {
    "async_insert": "0",  # 1 in this build: an insert would wait for others
    "implicit_select": "0",  # 1 in this build: a misspelt keyword would be a column
    "max_memory_usage": str(4 << 30),  # one query must not take the machine
}
_FAILURES = """
SELECT sum(value), argMax(code, last_error_time), argMax(last_error_message, last_error_time) FROM system.errors
WHERE name IN (
    'NOT_ENOUGH_SPACE', 'ERRNO_EXCEPTION', 'STD_EXCEPTION', 'MEMORY_LIMIT_EXCEEDED', 'CANNOT_ALLOCATE_MEMORY',
    'TOO_MANY_PARTS', 'CANNOT_WRITE_TO_FILE_DESCRIPTOR', 'CANNOT_WRITE_AFTER_END_OF_BUFFER', 'CANNOT_OPEN_FILE',
    'CANNOT_CLOSE_FILE', 'CANNOT_FSYNC', 'CANNOT_CREATE_DIRECTORY', 'CANNOT_SEEK_THROUGH_FILE', 'CANNOT_TRUNCATE_FILE'
)
"""
_FUNCTION = "INSERT INTO FUNCTION"
"""As the engine writes it, however it was written."""
_CODE = re.compile(r"Code: (\d+)")
_NAME = re.compile(r"\w+")


class Refused(Misuse):
    """The engine refused a query; `code` is ClickHouse's number of the reason."""

    def __init__(self, message: str, code: int) -> None:
        """Keep the engine's sentence and its number."""
        super().__init__(message)
        self.code = code


def refused(code: int, sentence: str, name: str) -> Refused:
    """A refusal of ours, in ClickHouse's words."""
    return Refused(f"Code: {code}. DB::Exception: {sentence}. ({name})", code)


class Session:
    """One client's view of the engine: its database and its settings.

    Attributes:
        output_format: of the answer that was asked for last, once its first piece is there.
    """

    def __init__(self, connection: Any, folder: Path) -> None:
        """Take over a connection of the engine; results that must wait do so in files of a folder."""
        self._connection = connection
        self._folder = folder
        self._is_readonly = False
        self.output_format = ""

    def prepare(self, database: str, settings: Mapping[str, str]) -> None:
        """Choose the database and the settings.

        Raises:
            Refused: the engine knows no such database or setting.
        """
        self._is_readonly = settings.get("readonly", "0") != "0"
        with _refusals():
            if database:
                self._connection.query(f"USE {_quoted(database, '`')}", "Null")
            pairs = ", ".join(f"{_setting(name)} = {_quoted(value, chr(39))}" for name, value in settings.items())
            if pairs:
                self._connection.query(f"SET {pairs}", "Null")

    def ask(
        self, sql: str, output_format: str, parameters: Mapping[str, str], *, is_whole: bool = False
    ) -> Iterator[bytes]:
        """The answer to a query in pieces; what only acts answers nothing. `is_whole`: none before the last is there.

        Raises:
            Refused: the engine did not like it, at the start or in the middle.
        """
        with _refusals():
            pieces = self._pieces(sql, output_format, parameters)
            yield from result.kept(pieces, self._folder) if is_whole else pieces

    def _pieces(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> Iterator[bytes]:
        count, kind = self._kind(sql)
        if count > 1:
            raise refused(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)", "SYNTAX_ERROR")
        statement = result.read(self._connection, sql)
        self.output_format = statement.named or output_format
        if self._is_readonly and question.reaches_out(statement.text or sql):
            raise refused(READONLY, "Files and connections are not opened in readonly mode", "READONLY")
        if kind == "READ_ONLY":
            return result.of(self._connection, sql, statement, output_format, parameters, self._folder)
        if kind == "CONTROL":
            self._admit(sql, statement.text)
        return iter((self._connection.query(sql, output_format, params=dict(parameters)).bytes(),))

    def _kind(self, sql: str) -> tuple[int, str]:
        """How many statements, and what they do; an INSERT into a function, or INTO OUTFILE, is CONTROL."""
        found = self._connection.classify_query(sql)
        return found["statement_count"], found["query_class"].name

    def _admit(self, sql: str, text: str) -> None:
        """Refuse of what controls the engine what is not served, or not to readers."""
        if "OUTFILE" in sql.upper():
            raise refused(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed", "INTO_OUTFILE_NOT_ALLOWED")
        if _FUNCTION in text:
            raise refused(NOT_IMPLEMENTED, f"{_FUNCTION} is not served here", "NOT_IMPLEMENTED")
        if self._is_readonly:
            raise refused(READONLY, "Cannot execute query in readonly mode", "READONLY")

    def begin(self, sql: str, input_format: str) -> "Insert":
        """Start an insert whose rows come in pieces.

        Raises:
            Refused: the engine knows no such table, column or format, or the rows would go elsewhere.
        """
        if self._kind(f"{sql}\nVALUES")[1] == "CONTROL":
            raise refused(NOT_IMPLEMENTED, f"{_FUNCTION} is not served here", "NOT_IMPLEMENTED")
        with _refusals():
            failures, _, _ = _failures(self._connection)
            return Insert(self._connection, self._connection.send_insert(sql, input_format), failures)

    def close(self) -> None:
        """Forget the session."""
        self._connection.close()


class Insert:
    """An insert under way."""

    def __init__(self, connection: Any, handle: Any, failures: int) -> None:
        """Take over the engine's handle; `failures` to store anything were counted before."""
        self._connection = connection
        self._handle = handle
        self._failures = failures

    def append(self, piece: bytes) -> None:
        """Give the next bytes of the rows, in the insert's format, cut anywhere.

        Raises:
            Refused: the bytes are not rows.
        """
        with _refusals():
            self._connection.insert_append(self._handle, piece)

    def finish(self) -> tuple[int, int]:
        """Store the rows; returns how many rows and bytes were written.

        Raises:
            Refused: the bytes are not rows, or cannot be stored.
        """
        with _refusals():
            done = self._connection.insert_done(self._handle)
            failures, code, said = _failures(self._connection)
        if failures > self._failures:
            raise Refused(f"Code: {code}. DB::Exception: {said}", code)
        return done.rows_written(), done.bytes_written()

    def cancel(self) -> None:
        """Give up: nothing more is stored."""
        with _refusals():
            self._connection.insert_cancel(self._handle)


class Engine:
    """The engine on one path; open as long as this lives."""

    def __init__(self, path: Path) -> None:
        """Open the path, or make it."""
        self._connect = importlib.import_module("chdb._chdb").connect  # an extra of 534 MB
        self._path = str(path)
        self._base = self._connect(self._path)
        self.version = self.one("SELECT version()")
        self.timezone = self.one("SELECT timezone()")

    def session(self, database: str, settings: Mapping[str, str], query_id: str) -> Session:
        """A new session; `query_id` is what `kill` finds its query by.

        Raises:
            Refused: the engine knows no such database or setting.
        """
        session = Session(self._connect(self._path), Path(self._path))
        try:
            session.prepare(database, {**BASE_SETTINGS, **settings, "log_comment": query_id})
        except Refused:
            session.close()
            raise
        return session

    def kill(self, query_id: str) -> None:
        """Stop a session's query where it stands: its client has gone."""
        self.one(f"KILL QUERY WHERE Settings['log_comment'] = {_quoted(query_id, chr(39))} ASYNC")

    def one(self, sql: str) -> str:
        """The one value that a query of ours gives."""
        return str(self._base.query(sql, "TabSeparatedRaw").bytes().decode().rstrip("\n"))

    def close(self) -> None:
        """Close the path."""
        self._base.close()


def _failures(connection: Any) -> tuple[int, int, str]:
    """How often the engine could not store something since it began; the code and the words of the last time."""
    count, code, said = connection.query(_FAILURES, "TabSeparatedRaw").bytes().decode().rstrip("\n").split("\t", 2)
    return int(count), int(code), said


class _refusals:  # noqa: N801 - reads as a statement; contextlib's generator form costs 3 us a piece
    """What the engine throws, as Refused."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        """Give the engine's exception our name."""
        if isinstance(error, RuntimeError):
            code = _CODE.search(str(error))
            raise Refused(str(error), int(code[1]) if code else 0) from error


def _setting(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise refused(UNKNOWN_SETTING, "Unknown setting", "UNKNOWN_SETTING")
    return name


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote
