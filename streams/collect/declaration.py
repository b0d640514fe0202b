"""What is declared before the first event: sources, hosts with their names, submission points, terms.

`sources.toml` is read into these records by `read`; its shape is in schemas/examples/sources.toml.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import msgspec

from streams.core.errors import Misuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One mail system, by the name its evidence declares.

    Attributes:
        name: the name events carry.
        aliases: syslog names, FQDNs and addresses that also mean it (lower case; an address without port or brackets).
        reports: does it send positive delivery reports for what it accepts; None where not known.
    """

    name: str
    aliases: frozenset[str] = frozenset()
    reports: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPoint:
    """Where a host accepts messages that are ours.

    Attributes:
        host: declared name of the host.
        services: names of the smtpd service that accept submissions (`submission/smtpd` logs as such).
        networks: clients whose messages are ours.
        authenticated: a SASL login makes a message ours.
        local: the `sendmail` command (pickup) makes a message ours.
    """

    host: str
    services: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    authenticated: bool = True
    local: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One collector reading one thing.

    Attributes:
        name: unique in the ledger.
        kind: postfix, dovecot, reports, jsonl.
        host: declared host whose evidence it is ("" where the lines say it).
        paths: files, folders or "-".
        year: of year-less timestamps; None: guessed from the file's modification time.
        timezone: IANA name for timestamps without offset.
        live: has a timekeeper, so it can be silent.
    """

    name: str
    kind: str
    host: str = ""
    paths: tuple[str, ...] = ()
    year: int | None = None
    timezone: str = "UTC"
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """Everything a ledger is told about its sources.

    Attributes:
        sources: one entry a collector.
        hosts: every host that is known by name.
        submission_points: where messages are ours.
        local_domains: domains whose mail from outside is `inbound`.
        until: microseconds UTC; an import's evidence ends here. None: at the latest time seen.
        terms: name of a shipped profile, or path of a terms file; "" for the default.
    """

    sources: tuple[Source, ...] = ()
    hosts: tuple[Host, ...] = ()
    submission_points: tuple[SubmissionPoint, ...] = ()
    local_domains: frozenset[str] = frozenset()
    until: int | None = None
    terms: str = ""
    _names: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index every name a host is known by."""
        for host in self.hosts:
            for name in (host.name, *host.aliases):
                self._names[name.lower()] = host.name

    def host_of(self, name: str) -> str:
        """The declared name of a host known as `name` (a syslog name, FQDN or address), or `name` itself."""
        return self._names.get(name.lower(), name)

    def is_declared(self, name: str) -> bool:
        """Is `name` a name of a declared host."""
        return name.lower() in self._names


class _Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[hosts]] table."""

    name: str
    aliases: frozenset[str] = frozenset()
    reports: bool | None = None


class _Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[submission_points]] table."""

    host: str
    services: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    authenticated: bool = True
    local: bool = True


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[sources]] table."""

    name: str
    kind: str
    paths: tuple[str, ...] = ()
    host: str = ""
    year: int | None = None
    timezone: str = "UTC"
    live: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole sources.toml."""

    sources: tuple[_Source, ...] = ()
    hosts: tuple[_Host, ...] = ()
    submission_points: tuple[_Point, ...] = ()
    local_domains: frozenset[str] = frozenset()
    until: datetime | None = None
    terms: str = ""


def read(path: Path) -> Declaration:
    """The declaration of a `sources.toml`; relative paths are of its folder.

    Raises:
        Misuse: with the key and what is wrong with it.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misuse(f"{path} is not TOML: {error}.") from error
    return declared(document, path)


def declared(document: dict[str, Any], path: Path) -> Declaration:
    """The declaration of a parsed `sources.toml`.

    Raises:
        Misuse: with the key and what is wrong with it.
    """
    try:
        file = msgspec.convert(document, _File)
        points = tuple(
            SubmissionPoint(
                host=point.host,
                services=point.services,
                networks=tuple(ip_network(text) for text in point.networks),
                authenticated=point.authenticated,
                local=point.local,
            )
            for point in file.submission_points
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise Misuse(f"{path}: {error}.", hint="schemas/examples/sources.toml shows every key") from error
    _refuse_twice(path, "source", [source.name for source in file.sources])
    _refuse_twice(path, "host", [host.name for host in file.hosts])
    declaration = Declaration(
        sources=tuple(
            Source(**{**msgspec.structs.asdict(one), "paths": tuple(str(path.parent / p) for p in one.paths)})
            for one in file.sources
        ),
        hosts=tuple(Host(**msgspec.structs.asdict(host)) for host in file.hosts),
        submission_points=points,
        local_domains=file.local_domains,
        until=None if file.until is None else _micros(file.until),
        terms=_terms(file.terms, path),
    )
    for point in points:
        if not declaration.is_declared(point.host):
            raise Misuse(f"{path}: submission_points: {point.host!r} is no declared host.")
    return declaration


def _refuse_twice(path: Path, what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Misuse(f"{path}: {what} {name!r} is declared twice.")


def _terms(named: str, path: Path) -> str:
    return str(path.parent / named) if named.endswith(".toml") else named


def _micros(moment: datetime) -> int:
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
