"""Reading a `sources.toml`: what a ledger is told before its first event, checked as a whole.

Rules:
- Unknown keys are refused, and every complaint names the key: what is declared wrong would be silent for months.
- Relative paths are of the file's folder.
- Names of hosts and domains are folded to lower case; a source's host may be given by any of its names.
"""

import errno
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams import profiles
from streams.collect import ending
from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.kinds import KINDS
from streams.collect.packed import STDIN
from streams.core.documents import toml
from streams.core.errors import Misuse
from streams.kafka.terms import TERMS

_RESERVED = frozenset({TERMS, "clock"})
"""Names under which the ledger itself speaks."""

_PLACE = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)

_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Of a source: it is a file's name, too."""

_Shared = Annotated[str, msgspec.Meta(pattern=r"^(.*\w.*[^\w\s])?$")]
"""How the names of others' mailboxes begin, up to what stands between the parts of a name."""

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Year = Annotated[int, msgspec.Meta(ge=1990, le=2200)]


class _Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[hosts]] table."""

    name: _Text
    aliases: tuple[_Text, ...] = ()
    reports: bool | None = None
    filters: frozenset[str] = frozenset()


class _Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[submission_points]] table."""

    host: _Text
    services: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    authenticated: bool = True
    local: bool = True


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[sources]] table."""

    name: _Name
    kind: str
    paths: tuple[_Text, ...] = ()
    host: str = ""
    year: _Year | None = None
    timezone: str = "UTC"
    live: bool = False
    shared: _Shared = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole sources.toml."""

    sources: tuple[_Source, ...] = ()
    hosts: tuple[_Host, ...] = ()
    submission_points: tuple[_Point, ...] = ()
    local_domains: tuple[_Text, ...] = ()
    until: datetime | None = None
    terms: str = ""
    keep_raw: bool = True


def read(path: Path) -> Declaration:
    """The declaration of a `sources.toml`.

    Raises:
        Misuse: with the key and what is wrong with it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        hint = f"it must be UTF-8; or is it a log? custody look {shlex.quote(str(path))}"
        raise Misuse(f"{path} is not TOML: {error}.", hint=hint) from error
    try:
        return parse(toml(text), path.parent)
    except Misuse as error:
        raise Misuse(f"{path}: {error}", hint=error.hint) from error


def read_some(path: Path) -> Declaration:
    """The same, of a file that declares a source at least.

    Raises:
        Misuse: with the key and what is wrong with it, or that it declares none.
    """
    declaration = read(path)
    if not declaration.sources:
        raise Misuse(f"{path} declares no source.", hint=f"every key: {example()}")
    return declaration


def example() -> str:
    """The file that came with Custody and shows every key."""
    return str(files("schemas") / "examples" / "sources.toml")


def parse(document: dict[str, Any], folder: Path) -> Declaration:
    """The declaration of a parsed `sources.toml`.

    Args:
        document: as TOML gives it.
        folder: that relative paths are of.

    Raises:
        Misuse: with the key and what is wrong with it.
    """
    file = _converted(document)
    _refuse_twice("sources", (source.name for source in file.sources))
    hosts = tuple(_hosts(file))
    bare = Declaration(hosts=hosts)
    return Declaration(
        sources=tuple(_source(f"sources[{n}]", one, bare, folder) for n, one in enumerate(file.sources)),
        hosts=hosts,
        submission_points=tuple(_points(file, bare)),
        local_domains=frozenset(domain.lower() for domain in file.local_domains),
        until=None if file.until is None else ending.micros_of(file.until),
        terms=_terms(file.terms, folder),
        keep_raw=file.keep_raw,
    )


def _converted(document: dict[str, Any]) -> _File:
    try:
        return msgspec.convert(document, _File)
    except msgspec.ValidationError as error:
        match = _PLACE.fullmatch(str(error))
        said, place = (match[1], match[2]) if match else (str(error), "")
        said = said.replace("Object contains unknown field", "there is no key")
        said = said.replace("Object missing required field", "it lacks the key")
        raise Misuse(f"{place}: {said}." if place else f"{said}.", hint=f"every key: {example()}") from error


def _hosts(file: _File) -> Iterator[Host]:
    _refuse_twice("hosts", (name for host in file.hosts for name in {host.name.lower(), *map(str.lower, host.aliases)}))
    for host in file.hosts:
        aliases = frozenset(map(str.lower, host.aliases))
        yield Host(name=host.name, aliases=aliases, reports=host.reports, filters=host.filters)


def _points(file: _File, declared: Declaration) -> Iterator[SubmissionPoint]:
    _refuse_twice("submission_points", (declared.host_of(point.host) for point in file.submission_points))
    for number, point in enumerate(file.submission_points):
        key = f"submission_points[{number}]"
        yield SubmissionPoint(
            host=_host(key, point.host, declared),
            services=point.services,
            networks=tuple(_network(key, text) for text in point.networks),
            authenticated=point.authenticated,
            local=point.local,
        )


def _source(key: str, one: _Source, declared: Declaration, folder: Path) -> Source:
    if one.name.lower() in _RESERVED:
        raise Misuse(f"{key}.name: {one.name!r} is a name of the ledger's own.")
    if one.kind not in KINDS:
        raise Misuse(f"{key}.kind: there is no kind {one.kind!r}.", hint=f"kinds: {', '.join(KINDS)}")
    if KINDS[one.kind].host_needed and not one.host:
        raise Misuse(f"{key}.host: lines of {one.kind} do not say whose they are; name the host.")
    if one.shared and one.kind != "dovecot":
        raise Misuse(f"{key}.shared: a source of {one.kind} has no mailboxes.")
    if one.live and len(one.paths) > 1:
        raise Misuse(f"{key}.paths: a live source has one path, not {len(one.paths)}.", hint="declare one source each")
    return Source(
        name=one.name,
        kind=one.kind,
        host=_host(key, one.host, declared) if one.host else "",
        paths=tuple(_path(f"{key}.paths", path, folder) for path in one.paths),
        year=one.year,
        timezone=_timezone(key, one.timezone),
        live=one.live,
        shared=one.shared,
    )


def _path(key: str, path: str, folder: Path) -> str:
    """Where a path leads; what is not there yet may come, but not under a name that no file can have."""
    try:
        (folder / path).lstat()
    except ValueError as error:
        raise Misuse(f"{key}: {path[:60]!r} cannot be a file: {error}.") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Misuse(f"{key}: {path[:60]!r}... cannot be a file: its name is too long.") from error
    return path if path == STDIN else str(folder / path)


def _host(key: str, name: str, declared: Declaration) -> str:
    if not declared.is_declared(name):
        raise Misuse(f"{key}.host: {name!r} is no declared host.", hint="declare it under [[hosts]]")
    return declared.host_of(name)


def _network(key: str, text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Misuse(f"{key}.networks: {error}.", hint="such as 192.0.2.0/24") from error


def _timezone(key: str, name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError) as error:
        hint = "use an IANA name such as Europe/Berlin"
        raise Misuse(f"{key}.timezone: there is no time zone {name!r}.", hint=hint) from error


def _terms(named: str, folder: Path) -> str:
    """The name of a shipped profile, or the path of a file."""
    if not named or named in profiles.shipped():
        return named
    path = str(folder / named)
    try:
        profiles.load(path)
    except Misuse as error:
        raise Misuse(f"terms: {error}", hint=error.hint) from error
    return path


def _refuse_twice(key: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise Misuse(f"{key}: {name!r} is declared twice.", hint="a name is of one only, an alias too")
