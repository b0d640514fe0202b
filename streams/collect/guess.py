"""What files are evidence of, where nothing is declared: kinds and hosts by the lines that they begin with.

Rules:
- The hosts are those that Postfix's lines name, and a message is ours where it was submitted by a login, the sendmail
  command, a submission service or a client on the same machine.
- A log that Postfix and Dovecot write through one syslog is two sources on one path. A line that names Dovecot as its
  program is the store's, and whatever else stands there is the switch's.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from itertools import chain, islice
from pathlib import Path

from streams.collect import reading
from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.parser import Counts, Piece
from streams.collect.syslog import Line, Reader

SAMPLE = 20_000
"""Lines that the kinds of a file and its hosts are guessed from."""

_LOCAL = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_SERVICES = frozenset({"submission", "submissions", "smtps"})
_STORE = "dovecot"
_SWITCH = "postfix"
_WORDS = (b" lmtp(", b" imap(", b"dovecot", b" imap-login:")

_ANY_YEAR = 2000
"""Of lines whose time does not matter; a leap year, so that every day may stand in them."""


def guessed(files: list[Path]) -> Declaration:
    """A declaration for files that nobody declared."""
    names: set[str] = set()
    sources: list[Source] = []
    for number, file in enumerate(files):
        pieces = _first(file)
        lines = [line for line in _lines(pieces) if line is not None]
        kinds = _kinds(pieces, lines)
        names |= _hosts(lines) if _SWITCH in kinds else set()
        sources += _sources(file, f"{file.name}-{number}" if number else file.name, kinds)
    points = tuple(SubmissionPoint(host=name, networks=_LOCAL, services=_SERVICES) for name in sorted(names))
    return Declaration(
        sources=tuple(sources), hosts=tuple(Host(name=name) for name in sorted(names)), submission_points=points
    )


def own(source: Source, declaration: Declaration, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces that are a source's: of a log that a switch and a store write together, each has its own lines."""
    kinds = {one.kind for one in declaration.sources if one.paths == source.paths}
    if source.kind not in {_SWITCH, _STORE} or not kinds >= {_SWITCH, _STORE}:
        return pieces
    lines = zip(pieces, _lines(pieces), strict=True)
    return [piece for piece, line in lines if _is_stores(line) == (source.kind == _STORE)]


def _sources(file: Path, name: str, kinds: tuple[str, ...]) -> Iterator[Source]:
    """The sources of a file; a store whose lines name no host is called by its file."""
    if len(kinds) > 1:
        yield from (Source(name=f"{name}-{kind}", kind=kind, paths=(str(file),)) for kind in kinds)
        return
    host = file.stem if kinds == (_STORE,) else ""
    yield Source(name=name, kind=kinds[0], host=host, paths=(str(file),))


def _first(file: Path) -> Sequence[Piece]:
    chunks = reading.lines(str(file), Counts()) if file.is_file() else iter(())
    return list(islice(chain.from_iterable(chunks), SAMPLE))


def _kinds(pieces: Sequence[Piece], lines: Sequence[Line]) -> tuple[str, ...]:
    """The kinds of evidence that pieces look like, and the lines they are; mails where they look like nothing else."""
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
    return (logs[0] if logs else "reports",)


def _hosts(lines: Sequence[Line]) -> set[str]:
    return {line.host for line in lines if line.host and _SWITCH in line.program}


def _lines(pieces: Sequence[Piece]) -> Iterator[Line | None]:
    """What lines say, whenever that was."""
    reader = Reader(_ANY_YEAR)
    return (reader.read(piece.raw) for piece in pieces)


def _is_stores(line: Line | None) -> bool:
    return line is not None and line.program == _STORE
