"""The generations of a log that is rotated: which files hold what was written before.

Rules:
- A rotated file is named as the log, with a number (`.1` is the newest) or a date (`-20261123`, the greatest is the
  newest) behind it, or a date before its ending; it may be packed. `mx-1.log` and `mx-2.log` are two logs.
- The log itself is the newest. Empty files hold nothing and are none.
- While a file is being packed both forms are there: the plain one counts.
- Names shift while one looks: a listing counts only if it is the same afterwards.
"""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

_SUFFIX = re.compile(r"([.-])(\d[\d_.-]*?)(\.(?:gz|xz|bz2))?")
_NUMBER = 4
"""Digits of a number of rotation at most; what has more is a date. Fewer between a hyphen and the ending are of one
log of several (`mx-1.log`)."""

_NAME = re.compile(r"(.+?)([.-])(\d[\d_.-]*?)(\.[A-Za-z]\w*)?")
"""A rotated file without its packing: the log's name, a dot or hyphen, number or date, and the ending if last."""

_PACKED = re.compile(r"\.(?:gz|xz|bz2)$")

_TRIES = 20

NOTHING = (0, 0)
"""Device and inode of a file that is gone: none that a file has."""

Answer = TypeVar("Answer")
Listing = list[tuple[Path, int]]
"""Files and their inodes, oldest first."""


def settled(log: Path, question: Callable[[list[Path]], Answer]) -> Answer:
    """The answer to a question about the generations, oldest first, that did not shift while it was asked."""
    for _ in range(_TRIES):
        there = _listing(log)
        answer = question([path for path, _ in there])
        if _listing(log) == there:
            break
    return answer


def in_order(files: Iterable[str]) -> list[str]:
    """The same files with the generations of each log oldest first; logs in the order in which they come first.

    What a log says is understood by what it said before, and names sort the newest first.
    """
    logs: dict[str, list[str]] = {}
    for file in files:
        logs.setdefault(log_of(file), []).append(file)
    return [file for found in logs.values() for file in sorted(found, key=lambda file: (_split(file)[1], file))]


def log_of(file: str) -> str:
    """The log that a file is, or was rotated from, by its name."""
    return _split(file)[0]


def _split(file: str) -> tuple[str, tuple[int, int, str]]:
    folder, slash, name = file.rpartition("/")
    log, generation = _named(_PACKED.sub("", name))
    return folder + slash + log, generation


def identity(path: Path) -> tuple[int, int]:
    """Device and inode of what has a name now."""
    try:
        status = path.stat()
    except OSError:
        return NOTHING
    return status.st_dev, status.st_ino


def is_older(file: str, log: str) -> bool:
    """Is a file, by its name, a generation that a log was rotated to."""
    (folder, name), (logs, of) = os.path.split(file), os.path.split(log)
    return folder == logs and name != of and _age(Path(log), name) is not None


def _named(name: str) -> tuple[str, tuple[int, int, str]]:
    """The log of a file's name, and its generation."""
    match = _NAME.fullmatch(name)
    if match is None or (match[4] and _is_numbered_log(match[2], match[3])):
        return name, (2, 0, "")
    return match[1] + (match[4] or ""), _generation(match[2], match[3])


def _listing(log: Path) -> Listing:
    found: dict[tuple[int, int, str], tuple[Path, int]] = {}
    try:
        names = sorted(path.name for path in log.parent.iterdir())
    except OSError:
        names = []
    for name in names:  # sorted: "x.1" stands before "x.1.gz"
        key = _age(log, name)
        if key is not None and key not in found and (inode := _inode(log.with_name(name))):
            found[key] = (log.with_name(name), inode)
    return [found[key] for key in sorted(found)]


def _age(log: Path, name: str) -> tuple[int, int, str] | None:
    """What generations are sorted by; None for other files."""
    if name == log.name:
        return 2, 0, ""
    if name.startswith(log.name):
        rest = name.removeprefix(log.name)
    elif log.suffix and name.startswith(log.stem):
        rest = name.removeprefix(log.stem).replace(log.suffix, "", 1)
    else:
        return None
    match = _SUFFIX.fullmatch(rest)
    if match is None or (not name.startswith(log.name) and _is_numbered_log(match[1], match[2])):
        return None
    return _generation(match[1], match[2])


def _is_numbered_log(separator: str, text: str) -> bool:
    return separator == "-" and len(text) < _NUMBER


def _generation(separator: str, text: str) -> tuple[int, int, str]:
    if separator == "." and text.isdigit() and len(text) <= _NUMBER:
        return 1, -int(text), ""
    return 0, 0, text


def _inode(path: Path) -> int:
    """The inode of a file that holds something; 0 for any other."""
    try:
        status = path.stat()
    except OSError:
        return 0
    return status.st_ino if status.st_size and path.is_file() else 0
