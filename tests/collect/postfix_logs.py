"""Postfix logs for tests: the sample day, single journeys, and lines written for one trap."""

import lzma
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path

from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.parser import Piece
from streams.collect.postfix import PostfixParser
from streams.core.events import Kind, MessageEvent

DATA = Path(__file__).parent.parent / "data"
OBSERVED = 1_795_600_000_000_000

HOSTS = (
    Host(name="origin", aliases=frozenset({"origin.lab.test", "127.0.0.11"})),
    Host(name="relay", aliases=frozenset({"relay.lab.test", "reinject", "reinject.lab.test", "127.0.0.12"})),
    Host(name="dest", aliases=frozenset({"dest.lab.test", "127.0.0.13"})),
    Host(name="store", aliases=frozenset({"127.0.0.14"})),
    Host(name="mute", aliases=frozenset({"mute.example", "192.0.2.66"}), reports=False),
)
DECLARATION = Declaration(
    hosts=HOSTS,
    submission_points=(
        SubmissionPoint(host="origin", networks=(ip_network("127.0.0.1/32"),), services=frozenset({"submission"})),
    ),
    local_domains=frozenset({"dest.test", "origin.test"}),
)


def parser(host: str = "origin", *, year: int | None = 2026, timezone: str = "UTC") -> PostfixParser:
    """A parser of one host's log; host "" leaves it to the lines."""
    source = Source(name=f"{host}-log", kind="postfix", host=host, year=year, timezone=timezone)
    return PostfixParser(source, DECLARATION)


def pieces(raw: bytes) -> list[Piece]:
    """A log, line by line, with its byte offsets."""
    found, offset = [], 0
    for line in raw.split(b"\n"):
        if line:
            found.append(Piece(offset=offset, raw=line))
        offset += len(line) + 1
    return found


@lru_cache
def day(host: str) -> bytes:
    """The sample day's log of one switch."""
    return lzma.decompress((DATA / "day" / f"{host}.log.xz").read_bytes())


@lru_cache
def case(name: str, host: str) -> bytes:
    """One host's part of a journey's log."""
    raw = lzma.decompress((DATA / "postfix" / f"{name}.log.xz").read_bytes())
    _, found, rest = raw.partition(f"===== {host} =====\n".encode())
    return rest.partition(b"\n=====")[0] if found else raw


def read(host: str, raw: bytes) -> list[MessageEvent]:
    """The events of a log."""
    return list(parser(host).parse(pieces(raw), file="mail.log", observed_at=OBSERVED))


def told(host: str, *lines: str) -> list[MessageEvent]:
    """The events of some lines, all of one second, written as `program[pid]: text`."""
    return read(host, "\n".join(f"Nov 23 12:00:00 {host} {line}" for line in lines).encode())


def short(events: Iterable[MessageEvent]) -> list[tuple[str, str, str]]:
    """Kind, queue id and recipient of some events."""
    return [(event.kind.value, event.queue_id, event.recipient) for event in events]


def of(events: Iterable[MessageEvent], *kinds: Kind) -> list[MessageEvent]:
    """The events of some kinds."""
    return [event for event in events if event.kind in kinds]
