"""What `custody collect` is told about a source: by a sources.toml, by options, or by both."""

from dataclasses import dataclass, replace
from pathlib import Path

from streams.collect import sources
from streams.collect.declaration import Declaration, Host, Source
from streams.core.errors import Misuse

SERVICES = ("submission", "submissions", "smtps")
"""Services whose messages are ours where nothing is declared (RFC 6409, RFC 8314)."""

LOCAL = ("127.0.0.0/8", "::1/128")
"""Clients whose messages are ours where nothing is declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says.

    Attributes:
        kind: of the evidence.
        files: as named; none: those that are declared.
        name: of the source.
        host: whose evidence it is.
        declared: the sources.toml.
        year: of year-less times.
        timezone: of times without offset.
        live: it is followed.
    """

    kind: str
    files: tuple[str, ...] = ()
    name: str | None = None
    host: str | None = None
    declared: Path | None = None
    year: int | None = None
    timezone: str | None = None
    live: bool = False


def resolved(wanted: Wanted) -> tuple[Source, Declaration, str]:
    """The source, the declaration that it is part of, and the declaration's text.

    Raises:
        Misuse: something is missing, or contradicts the declaration.
    """
    if wanted.declared is None:
        declaration = sources.parse(_document(wanted), Path())
        return declaration.sources[0], declaration, ""
    declaration = sources.read(wanted.declared)
    source = _overridden(_chosen(wanted, declaration), wanted, declaration)
    others = tuple(one for one in declaration.sources if one.name != source.name)
    declaration = replace(declaration, sources=(*others, source), hosts=_hosts(source, declaration))
    return source, declaration, wanted.declared.read_text(encoding="utf-8")


def _document(wanted: Wanted) -> dict[str, object]:
    """The sources.toml that the options stand for."""
    source = {
        "name": wanted.name or "-".join(filter(None, (wanted.kind, wanted.host))),
        "kind": wanted.kind,
        "host": wanted.host,
        "paths": list(wanted.files),
        "year": wanted.year,
        "timezone": wanted.timezone,
        "live": wanted.live,
    }
    return {"sources": [{key: value for key, value in source.items() if value is not None}], **_host(wanted.host)}


def _host(name: str | None) -> dict[str, object]:
    """What is assumed of a host that no file declares: where it takes messages that are ours."""
    if not name:
        return {}
    point = {"host": name, "services": SERVICES, "networks": LOCAL}
    return {"hosts": [{"name": name}], "submission_points": [point]}


def _chosen(wanted: Wanted, declaration: Declaration) -> Source:
    """The declared source that is meant: by its name, or the only one of its kind."""
    alike = [one for one in declaration.sources if one.kind == wanted.kind]
    names = ", ".join(one.name for one in alike) or "none"
    named = [one for one in alike if wanted.name in {None, one.name}]
    if len(named) == 1:
        return named[0]
    if wanted.name is None:
        hint = f"declared there: {names}"
        raise Misuse(f"{len(alike)} sources of kind {wanted.kind} are declared: say which with --source.", hint=hint)
    raise Misuse(f"No source {wanted.name} of kind {wanted.kind} is declared.", hint=f"declared there: {names}")


def _overridden(source: Source, wanted: Wanted, declaration: Declaration) -> Source:
    return replace(
        source,
        host=declaration.host_of(wanted.host) if wanted.host else source.host,
        paths=wanted.files or source.paths,
        year=wanted.year or source.year,
        timezone=wanted.timezone or source.timezone,
        live=wanted.live,
    )


def _hosts(source: Source, declaration: Declaration) -> tuple[Host, ...]:
    if not source.host or declaration.is_declared(source.host):
        return declaration.hosts
    return (*declaration.hosts, Host(name=source.host))
