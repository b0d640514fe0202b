"""The warehouse's SQL as it is packaged: statements, blocks and views.

Rules:
- A statement ends with a semicolon at the end of a line.
- In a script of blocks, `-- @name` begins a block; `@word` stands for a text that the caller knows.
- In a view, `@columns(table)` and `@names(table)` stand for a table's columns, so that a view has their types and
  comments without saying them again; `@domain(column)` is the domain of the address there, empty where it has none.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

INTERNAL = ("version", "gone", "retold", "fed_at")
"""Columns of tables that are nobody's business: how rows replace each other."""

_BLOCK = re.compile(r"^-- @(\w+)\n", re.MULTILINE)
_MARK = re.compile(r"@(columns|names|domain)\((\w+)\)")
_WORD = re.compile(r"@(\w+)")


class Column(NamedTuple):
    """A column as the engine knows it."""

    name: str
    kind: str
    comment: str


def text(name: str) -> str:
    """A file of schemas/warehouse."""
    return (files("schemas") / "warehouse" / name).read_text(encoding="utf-8")


def numbered() -> list[str]:
    """Names of the scripts that make tables, in order."""
    return sorted(f.name for f in (files("schemas") / "warehouse").iterdir() if is_numbered(f.name))


def is_numbered(name: str) -> bool:
    """Is this a script that makes tables."""
    return bool(re.fullmatch(r"\d{3}-.*\.sql", name))


def views() -> list[str]:
    """Names of the views, in an order in which each finds those it reads."""
    names = sorted(f.name.removesuffix(".sql") for f in (files("schemas") / "warehouse" / "views").iterdir())
    return sorted(names, key=lambda name: (name != "derivation", name != "custody", name))


def statements(script: str) -> list[str]:
    """The statements of a script."""
    parts = [part.strip().removesuffix(";") for part in script.split(";\n")]
    return [part for part in parts if _is_statement(part)]


def _is_statement(part: str) -> bool:
    return any(line.strip() and not line.strip().startswith("--") for line in part.splitlines())


@cache
def blocks(folder: str) -> dict[str, list[str]]:
    """The statements of each block of the scripts in a folder."""
    found: dict[str, list[str]] = {}
    for script in (files("schemas") / "warehouse" / folder).iterdir():
        _, *rest = _BLOCK.split(script.read_text(encoding="utf-8"))
        found |= {block: statements(some) for block, some in zip(rest[::2], rest[1::2], strict=True)}
    return found


def filled(statement: str, words: Mapping[str, str]) -> str:
    """A statement with its `@words` replaced; one that is not known is left."""
    return _WORD.sub(lambda mark: words.get(mark[1], mark[0]), statement)


def with_columns(statement: str, columns: Callable[[str], list[Column]]) -> str:
    """A view's statement with the columns of the tables it names, and the domains of addresses."""

    def put(mark: re.Match[str]) -> str:
        if mark[1] == "domain":
            return domain(mark[2])
        known = [column for column in columns(mark[2]) if column.name not in INTERNAL]
        if mark[1] == "names":
            return ", ".join(f"`{column.name}`" for column in known)
        return ", ".join(f"`{column.name}` {column.kind} COMMENT {_quoted(column.comment)}" for column in known)

    return _MARK.sub(put, statement)


def domain(address: str) -> str:
    """What gives the domain of the address in a column, in small letters; empty where it has none, as a local one."""
    return f"if(position({address}, '@') = 0, '', lowerUTF8(splitByChar('@', {address})[-1]))"


def _quoted(comment: str) -> str:
    return "'" + comment.replace("\\", "\\\\").replace("'", "\\'") + "'"
