"""The `sources.toml` of a simulated network: its declaration as an operator would have written it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint

TERMS = "terms.toml"
"""Where the terms stand, beside it."""


def text(declaration: Declaration, paths: Mapping[str, Sequence[str]], until: int) -> str:
    """The text of a sources.toml.

    Args:
        declaration: what is declared.
        paths: of each source, relative to the file's folder.
        until: microseconds UTC; the evidence ends here.
    """
    lines = [f"terms = {_text(TERMS)}", f"until = {_moment(until)}"]
    if declaration.local_domains:
        lines.append(f"local_domains = {_texts(sorted(declaration.local_domains))}")
    for host in declaration.hosts:
        lines += ["", *_host(host)]
    for point in declaration.submission_points:
        lines += ["", *_point(point)]
    for source in declaration.sources:
        lines += ["", *_source(source, paths.get(source.name, ()))]
    return "\n".join(lines) + "\n"


def _host(host: Host) -> Iterator[str]:
    yield "[[hosts]]"
    yield f"name = {_text(host.name)}"
    if host.aliases:
        yield f"aliases = {_texts(sorted(host.aliases))}"
    if host.reports is not None:
        yield f"reports = {_flag(yes=host.reports)}"


def _point(point: SubmissionPoint) -> Iterator[str]:
    yield "[[submission_points]]"
    yield f"host = {_text(point.host)}"
    yield f"services = {_texts(sorted(point.services))}"
    yield f"networks = {_texts(map(str, point.networks))}"
    yield f"authenticated = {_flag(yes=point.authenticated)}"
    yield f"local = {_flag(yes=point.local)}"


def _source(source: Source, paths: Sequence[str]) -> Iterator[str]:
    yield "[[sources]]"
    yield f"name = {_text(source.name)}"
    yield f"kind = {_text(source.kind)}"
    if source.host:
        yield f"host = {_text(source.host)}"
    yield f"paths = {_texts(paths)}"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _flag(*, yes: bool) -> str:
    return "true" if yes else "false"


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _text(text_: str) -> str:
    """A basic string of TOML, which is one of JSON."""
    return json.dumps(text_)
