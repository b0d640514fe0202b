"""Which source `custody collect` means: by a sources.toml, by options, or by both."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from streams.cli._source import Wanted, resolved
from streams.collect.declaration import Source
from streams.core.errors import Misuse

DAY = Path(__file__).parent.parent / "data" / "day" / "sources.toml"


def test_by_options_alone() -> None:
    """A host that nobody declares takes our messages by login, on submission services and from itself."""
    source, declaration, text = resolved(Wanted(kind="postfix", host="mx", files=("mail.log", "-"), year=2026))
    assert source == Source(name="postfix-mx", kind="postfix", host="mx", paths=("mail.log", "-"), year=2026)
    assert declaration.sources == (source,)
    (point,) = declaration.submission_points
    assert "submission" in point.services
    assert any(ip_address("127.0.0.1") in network for network in point.networks)
    assert (point.host, point.authenticated, point.local, text) == ("mx", True, True, "")


def test_without_a_host() -> None:
    """Where the lines say the host, none is needed; then nothing is assumed of it."""
    source, declaration, _ = resolved(Wanted(kind="reports", files=("Maildir",), live=True))
    assert (source.name, source.host, source.live) == ("reports", "", True)
    assert declaration.submission_points == ()


@pytest.mark.parametrize(("kind", "name"), [("dovecot", "store-log"), ("reports", "reports")])
def test_the_only_one_of_its_kind(kind: str, name: str) -> None:
    """Where a declaration has one source of the kind, it is meant, with its paths and its host."""
    source, declaration, text = resolved(Wanted(kind=kind, declared=DAY))
    assert source.name == name
    assert source in declaration.sources
    assert text == DAY.read_text(encoding="utf-8")


def test_a_declared_source_read_otherwise() -> None:
    """What the options say goes before what is declared; a host is called by its declared name."""
    source, declaration, _ = resolved(
        Wanted(
            kind="postfix",
            name="relay-log",
            declared=DAY,
            files=("x",),
            host="reinject",
            year=2027,
            timezone="Europe/Berlin",
            live=True,
        )
    )
    assert source == Source(
        name="relay-log",
        kind="postfix",
        host="relay",
        paths=("x",),
        year=2027,
        timezone="Europe/Berlin",
        live=True,
    )
    assert [one.name for one in declaration.sources if one == source] == ["relay-log"]
    assert len(declaration.sources) == 5


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "several are meant": ({"kind": "postfix", "declared": DAY}, "3 sources of kind postfix are declared"),
    "none is meant": ({"kind": "jsonl", "declared": DAY}, "0 sources of kind jsonl are declared"),
    "no such name": ({"kind": "postfix", "name": "x", "declared": DAY}, "No source x of kind postfix"),
    "another kind": ({"kind": "dovecot", "name": "relay-log", "declared": DAY}, "No source relay-log of kind dovecot"),
    "no such kind": ({"kind": "exim", "files": ("x",)}, "there is no kind 'exim'"),
    "a store without a name": ({"kind": "dovecot", "files": ("x",)}, "name the host"),
    "no such time zone": ({"kind": "postfix", "files": ("x",), "timezone": "Mars"}, "there is no time zone 'Mars'"),
    "several files to follow": ({"kind": "postfix", "files": ("x", "y"), "live": True}, "a live source has one path"),
    "no declaration": ({"kind": "postfix", "declared": Path("/none.toml")}, "/none.toml cannot be read"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_clear_is_said(wrong: str) -> None:
    """Whatever is missing or contradicts the declaration ends in one sentence."""
    fields, said = WRONG[wrong]
    with pytest.raises(Misuse) as refused:
        resolved(Wanted(**fields))
    assert said in str(refused.value)
