"""What files are evidence of, where nothing is declared: kinds and hosts by the lines that they begin with.

Rules:
- The hosts are those that Postfix's lines name; where they name none, the log is of one that is called by its file. A
  message is ours where it was submitted by a login, the sendmail command, a submission service or a client on the
  same machine.
- A folder of mails is one source, as a Maildir is; in any other folder each log is one, and what is none is taken for
  mails.
- A log and what it was rotated to are one source: a message may stand in two of these files.
- A log that Postfix and Dovecot write through one syslog is two sources on one path. A line that names Dovecot as its
  program is the store's, and whatever else stands there is the switch's.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import chain, count, islice
from pathlib import Path

from streams.collect import reading
from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.generations import in_order, log_of
from streams.collect.parser import Counts, Piece
from streams.collect.syslog import Line, Reader

SAMPLE = 20_000
"""Lines that the kinds of a file and its hosts are guessed from."""

_LOCAL = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_SERVICES = frozenset({"submission", "submissions", "smtps"})
_MAILS = ("reports",)
_STORE = "dovecot"
_SWITCH = "postfix"
_SYSLOG = frozenset({_SWITCH, _STORE})
_WORDS = (b" lmtp(", b" imap(", b"dovecot", b" imap-login:")

_MAIL = re.compile(rb"From |[A-Za-z][A-Za-z0-9-]*:[ \t]")
"""How a mail begins: an mbox's line, or a field; no line of a log does."""

_MAILDIR = ("cur", "new")

_ANY_YEAR = 2000
"""Of lines whose time does not matter; a leap year, so that every day may stand in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    """What some files are taken for.

    Attributes:
        name: of the file or folder.
        paths: one, but for the mails among logs, and for the generations of a log, oldest first.
        kinds: of evidence.
        hosts: that the switch's lines name.
        stem: what a store, or a switch, is called whose lines name no host.
    """

    name: str
    paths: tuple[str, ...]
    kinds: tuple[str, ...] = _MAILS
    hosts: frozenset[str] = frozenset()
    stem: str = ""


def guessed(files: list[Path]) -> Declaration:
    """A declaration for files that nobody declared."""
    found = _joined(one for file in files for one in (_in_folder(file) if file.is_dir() else [_guess(file)]))
    taken: set[str] = set()
    sources = [source for one in found for source in _sources(one, _free(one.name, taken))]
    names = sorted({name for one in found for name in ({one.stem} if _is_nameless(one) else one.hosts)})
    points = tuple(SubmissionPoint(host=name, networks=_LOCAL, services=_SERVICES) for name in names)
    return Declaration(sources=tuple(sources), hosts=tuple(Host(name=name) for name in names), submission_points=points)


def own(source: Source, declaration: Declaration, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces that are a source's: of a log that a switch and a store write together, each has its own lines."""
    kinds = {one.kind for one in declaration.sources if one.paths == source.paths}
    if source.kind not in {_SWITCH, _STORE} or not kinds >= {_SWITCH, _STORE}:
        return pieces
    lines = zip(pieces, _lines(pieces), strict=True)
    return [piece for piece, line in lines if _is_stores(line) == (source.kind == _STORE)]


def _joined(found: Iterable[_Guess]) -> list[_Guess]:
    """The same with the generations of a log as one, which is called by the newest."""
    logs: dict[tuple[object, ...], list[_Guess]] = {}
    for one in found:
        is_syslog = not _SYSLOG.isdisjoint(one.kinds)
        key = one.paths if one.kinds == _MAILS else (log_of(one.paths[0]), is_syslog or one.kinds)
        logs.setdefault(key, []).append(one)
    return [_as_one(files) for files in logs.values()]


def _as_one(files: Sequence[_Guess]) -> _Guess:
    by_path = {path: one for one in files for path in one.paths}
    if len(files) == 1 or len(by_path) == 1:
        return files[0]
    kinds = {kind for one in files for kind in one.kinds}
    paths = in_order(by_path)
    return replace(
        by_path[paths[-1]],
        paths=tuple(paths),
        kinds=(_SWITCH, _STORE) if len(kinds) > 1 else tuple(kinds),
        hosts=frozenset(host for one in files for host in one.hosts),
    )


def _free(name: str, taken: set[str]) -> str:
    """A name that no source has; the second of two files that are called the same is numbered."""
    names = chain((name,), (f"{name}-{number}" for number in count(2)))
    free = next(one for one in names if one not in taken)
    taken.add(free)
    return free


def _sources(one: _Guess, name: str) -> Iterator[Source]:
    """The sources of a file; a store whose lines name no host is called by its file."""
    if len(one.kinds) > 1:
        yield from (Source(name=f"{name}-{kind}", kind=kind, paths=one.paths) for kind in one.kinds)
        return
    host = one.stem if one.kinds == (_STORE,) or _is_nameless(one) else ""
    yield Source(name=name, kind=one.kinds[0], host=host, paths=one.paths)


def _is_nameless(one: _Guess) -> bool:
    """Is it a switch's log whose lines name no host."""
    return one.kinds == (_SWITCH,) and not one.hosts


def _in_folder(folder: Path) -> list[_Guess]:
    """Its logs, each by itself, and its mails together."""
    whole = _Guess(name=folder.absolute().name, paths=(str(folder),))
    if any((folder / name).is_dir() for name in _MAILDIR):
        return [whole]
    found = [_guess(Path(file)) for file in reading.files(str(folder))]
    logs = [one for one in found if one.kinds != _MAILS]
    mails = tuple(path for one in found if one.kinds == _MAILS for path in one.paths)
    if not logs:
        return [whole]
    return [*logs, replace(whole, paths=mails)] if mails else logs


def _guess(file: Path) -> _Guess:
    pieces = _first(file)
    lines = [line for line in _lines(pieces) if line is not None]
    kinds = _kinds(pieces, lines)
    hosts = _hosts(lines) if _SWITCH in kinds else frozenset()
    return _Guess(name=file.name, paths=(str(file),), kinds=kinds, hosts=hosts, stem=file.stem)


def _first(file: Path) -> Sequence[Piece]:
    """The lines that a file begins with; of a mail the first will do."""
    if not file.is_file():
        return []
    lines = chain.from_iterable(reading.lines(str(file), Counts()))
    first = list(islice(lines, 1))
    return first if _is_mail(first) else [*first, *islice(lines, SAMPLE - 1)]


def _is_mail(pieces: Sequence[Piece]) -> bool:
    return any(_MAIL.match(piece.raw) for piece in pieces[:1])


def _kinds(pieces: Sequence[Piece], lines: Sequence[Line]) -> tuple[str, ...]:
    """The kinds of evidence that pieces look like, and the lines they are; mails where they look like nothing else."""
    if _is_mail(pieces):
        return _MAILS
    programs = {line.program for line in lines}
    if _STORE in programs and any(_SWITCH in program for program in programs):
        return _SWITCH, _STORE
    votes = Counter(
        "jsonl" if piece.raw.startswith(b'{"') and b"__REALTIME" not in piece.raw
        else _SWITCH if _SWITCH.encode() in piece.raw
        else _STORE if any(word in piece.raw for word in _WORDS)
        else "reports"
        for piece in pieces
    )  # fmt: skip
    logs = [kind for kind, _ in votes.most_common() if kind != "reports"]
    return (logs[0],) if logs else _MAILS


def _hosts(lines: Sequence[Line]) -> frozenset[str]:
    return frozenset(line.host for line in lines if line.host and _SWITCH in line.program)


def _lines(pieces: Sequence[Piece]) -> Iterator[Line | None]:
    """What lines say, whenever that was."""
    reader = Reader(_ANY_YEAR)
    return (reader.read(piece.raw) for piece in pieces)


def _is_stores(line: Line | None) -> bool:
    return line is not None and line.program == _STORE
