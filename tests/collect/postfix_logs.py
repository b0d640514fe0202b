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
    return read(host, log_of(host, *lines))


def log_of(host: str, *lines: str) -> bytes:
    """A log of one second, in which the queue ids of HEAD were given."""
    return "\n".join(f"Nov 23 22:52:25 {host} {line}" for line in lines).encode()


def short(events: Iterable[MessageEvent]) -> list[tuple[str, str, str]]:
    """Kind, queue id and recipient of some events."""
    return [(event.kind.value, event.queue_id, event.recipient) for event in events]


def of(events: Iterable[MessageEvent], *kinds: Kind) -> list[MessageEvent]:
    """The events of some kinds."""
    return [event for event in events if event.kind in kinds]


Q1, Q2, Q3 = "4jYLmn6dkyz1TCGS", "4jYLmn6fl2z1TCGT", "4jYLmn6gn1z1TCGR"
CLIENT = f"postfix/smtpd[7]: {Q1}: client=unknown[127.0.0.1]"
NAMED = f"postfix/cleanup[8]: {Q1}: message-id=<m@x.test>"
ACTIVE = f"postfix/qmgr[9]: {Q1}: from=<alice@origin.test>, size=335, nrcpt=1 (queue active)"
HEAD = (CLIENT, NAMED, ACTIVE)
PEER = "relay=127.0.0.12[127.0.0.12]:2525, delay=0.01, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as"


def attempt(
    status: str, to: str = "c@dest.test", *, agent: str = "smtp", relay: str = "none", dsn: str = "4.4.1"
) -> str:
    """A delivery agent's line."""
    return f"postfix/{agent}[10]: {Q1}: to=<{to}>, relay={relay}, delay=1, delays=0/0/1/0, dsn={dsn}, status={status}"


def arrivals(events: list[MessageEvent], recipient: str = "") -> list[MessageEvent]:
    """Arrivals of entries (or of a recipient)."""
    kinds = (Kind.SUBMITTED, Kind.TRANSFERRED)
    return [e for e in of(events, *kinds) if e.side != "sent" and e.recipient == recipient]
