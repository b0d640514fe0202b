"""What is declared before the first event: sources, hosts with their names, submission points, terms.

`sources.toml` is read into these records by sources.py; its shape is in schemas/examples/sources.toml.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One mail system, by the name its evidence declares.

    Attributes:
        name: the name events carry.
        aliases: syslog names, FQDNs and addresses that also mean it (lower case; an address without brackets, or
            with a port where several are behind it: `127.0.0.1:10465`, `[::1]:10465`).
        reports: does it send positive delivery reports for what it accepts; None where not known.
        filters: its transports (pipe) that are filters, and give mail back through `sendmail`.
    """

    name: str
    aliases: frozenset[str] = frozenset()
    reports: bool | None = None
    filters: frozenset[str] = frozenset()


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
        shared: of a store, how the names of mailboxes begin that others share; behind it stands whose each is.
    """

    name: str
    kind: str
    host: str = ""
    paths: tuple[str, ...] = ()
    year: int | None = None
    timezone: str = "UTC"
    live: bool = False
    shared: str = ""


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
        keep_raw: the raw text of evidence goes into the log, beside the events that it proves.
    """

    sources: tuple[Source, ...] = ()
    hosts: tuple[Host, ...] = ()
    submission_points: tuple[SubmissionPoint, ...] = ()
    local_domains: frozenset[str] = frozenset()
    until: int | None = None
    terms: str = ""
    keep_raw: bool = True
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

    def meaning(self, source: Source) -> bytes:
        """A hash of all that a source's lines are understood by: the same lines under another give other events."""
        said = (
            sorted(self.hosts, key=lambda host: host.name),
            sorted(self.submission_points, key=lambda point: point.host),
            self.local_domains,
            (source.kind, source.host, source.year, source.timezone, *([source.shared] if source.shared else [])),
        )
        return blake2b(msgspec.json.encode(said, enc_hook=str, order="deterministic"), digest_size=16).digest()
