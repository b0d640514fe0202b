"""What an HTTP request asks of the warehouse; pure, so that the protocol is tested without a server.

The protocol is ClickHouse's HTTP interface: the statement in `query` or in the body, rows of an INSERT after it,
`param_NAME` for `{NAME:Type}`, `database`, `default_format`, `query_id`, and any other name is a setting.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass

RESERVED = frozenset(
    {
        *("query", "database", "default_format", "query_id", "user", "password", "quota_key", "role"),
        *("session_id", "session_timeout", "session_check", "close_session", "compress", "decompress"),
        *("client_protocol_version", "stacktrace", "buffer_size", "wait_end_of_query"),
    }
)
"""Names in the URL that are no settings; sessions and roles have no meaning in an engine without users."""

TRUE = frozenset({"1", "true"})

PARAMETER = "param_"
HEAD_LIMIT = 1 << 20
"""Bytes in which the statement of an INSERT must end and its rows begin."""

# Whatever is taken is never given back (`++`, `*+`, `(?>`): a statement made up to be read for ever is read once.
_OPENING = rb"""\s*+(?:--[^\n]*+\n\s*+|(?>/\*.*?\*/)\s*+)*+"""
_INSERT = re.compile(_OPENING + rb"INSERT\b", re.IGNORECASE | re.DOTALL)
_QUOTED = rb"""`[^`]*+`|"[^"]*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|\([^()]*+\)"""
_HEAD = re.compile(
    _OPENING + rb"INSERT\b(?:" + _QUOTED + rb"""|[^`"'(\w]++|(?!(?:FORMAT|SELECT|VALUES|WITH)\b)\w++)*+"""
    rb"\b(?P<form>FORMAT[ \t\r\n]+(?P<name>\w+)|VALUES)[ \t]*\r?\n?",
    re.IGNORECASE | re.DOTALL,
)
_SETTINGS = r"""SETTINGS\b(?:(?!\bFORMAT\b)[^'"`;\\]|'(?:[^'\\]|\\.)*+')*+"""
_FORMAT = re.compile(
    r"\bFORMAT\s++(?P<name>\w++)\s*+(?:" + _SETTINGS + r")?;?(?:\s|--[^\n]*+|(?>/\*.*?\*/))*+$",
    re.IGNORECASE | re.DOTALL,
)
_SAID = re.compile(r"""'(?:[^'\\]|\\.)*+'""", re.DOTALL)
# A function is called, or named to one that calls it; `eval` asks what a text says; DESCRIBE opens what it describes.
_REACHES_OUT = re.compile(
    r"\b(?:file|eval)\(|\bAPPLY\s*\(?file\b|\b(?:array|map)\w*\(+(?:file\b|\{\w+:\s*Identifier\})"
    r"|^DESCRIBE TABLE \w+\("
)
_TAIL = 4096
"""Characters at the end of a statement in which its FORMAT stands."""

_LINE = "formatQuerySingleLineOrNull({sql:String})"
READ = f"ifNull({_LINE}, '') AS text, formatQuerySingleLineOrNull(concat({_LINE}, ' FORMAT Null')) IS NULL AS is_named"
"""What the engine is asked of a statement: how it has read it, "" where it cannot, and whether it names its format.

Only the engine can tell: a column may be called format, and a statement ends in `ORDER BY format DESC`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, read.

    Attributes:
        sql: the statement as far as it stands in the URL; the body continues it.
        database: default database, "" for the engine's.
        output_format: of an answer whose statement names none.
        query_id: the client's, or "".
        is_whole: the answer begins only once its end is known, so that whatever fails has a status of its own.
        settings: of the engine.
        parameters: for `{name:Type}` in the statement.
        user: who asks.
        password: what they say to prove it.
    """

    sql: str
    database: str
    output_format: str
    query_id: str
    is_whole: bool
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    user: str
    password: str


def read(url: Mapping[str, str], headers: Mapping[str, str]) -> Question:
    """The question of a request's URL parameters and headers; bytes that are no text are "?"."""
    user, password = _credentials(url, headers)
    named = [(_utf8(name), _utf8(value)) for name, value in url.items()]
    return Question(
        sql=_utf8(url.get("query", "")),
        database=_utf8(url.get("database") or headers.get("X-ClickHouse-Database", "")),
        output_format=_utf8(url.get("default_format") or headers.get("X-ClickHouse-Format", "TabSeparated")),
        query_id=_utf8(url.get("query_id", "")),
        is_whole=url.get("wait_end_of_query", "0") in TRUE,
        settings={n: v for n, v in named if n not in RESERVED and not n.startswith(PARAMETER)},
        parameters={n.removeprefix(PARAMETER): v for n, v in named if n.startswith(PARAMETER)},
        user=_utf8(user),
        password=_utf8(password),
    )


def _utf8(text: str) -> str:
    """A text without the halves of characters that stand for bytes which were none."""
    return text.encode("utf-8", "replace").decode()


def _credentials(url: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    """User and password: of the headers, of basic authentication, or of the URL, as ClickHouse takes them."""
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(value)
    return url.get("user", ""), url.get("password", "")


def _basic(value: str) -> tuple[str, str]:
    try:
        user, _, password = b64decode(value).decode().partition(":")
    except ValueError:  # no base64, no ASCII, or no UTF-8
        return "", ""
    return user, password


def is_insert(sql: bytes | bytearray) -> bool:
    """Is it an INSERT, of rows or of a SELECT."""
    return _INSERT.match(sql, 0, HEAD_LIMIT) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """An INSERT whose rows stand in the body.

    Attributes:
        sql: the statement without its FORMAT.
        input_format: of the rows.
        first: the first bytes of the rows.
    """

    sql: str
    input_format: str
    first: bytes


def split(statement: bytes) -> Rows | None:
    """An INSERT and the rows that follow it; None: no rows follow, or the statement has not ended yet."""
    found = _HEAD.match(statement, 0, HEAD_LIMIT)
    if found is None:
        return None
    sql = statement[: found.start("form")].decode("utf-8", "replace")
    return Rows(sql=sql, input_format=(found["name"] or b"Values").decode(), first=statement[found.end() :])


def format_of(sql: str, default: str) -> str:
    """The output format of a statement that names one (`READ`); of any other it may be a word of its end."""
    named = _format(sql)
    return named["name"] if named else default


def reaches_out(sql: str) -> bool:
    """Does a statement, as the engine writes it, open files or connections, though the engine takes it for reading."""
    return _REACHES_OUT.search(_SAID.sub("''", sql)) is not None


def written_to(sql: str, file: str, unnamed: str) -> str:
    """A statement whose result goes into a file, in the format it names, or else in `unnamed`.

    Args:
        sql: the statement as the engine itself writes it.
        file: where to.
        unnamed: the format of a statement that names none, "" where it names one.
    """
    named = None if unnamed else _format(sql)
    end = named.start() if named else len(sql)
    return f"{sql[:end]} INTO OUTFILE '{file}' APPEND {sql[end:] or f'FORMAT {unnamed}'}"


def _format(sql: str) -> re.Match[str] | None:
    return _FORMAT.search(sql, max(0, len(sql) - _TAIL))
