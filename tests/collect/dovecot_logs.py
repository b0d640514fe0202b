"""Dovecot logs for tests: the sample day, single journeys, and lines written for one trap."""

import lzma
from collections.abc import Iterable, Sequence
from functools import lru_cache

from streams.collect.declaration import Declaration, Host, Source
from streams.collect.dovecot import DovecotParser
from streams.collect.parser import Piece
from streams.core.events import MessageEvent
from streams.core.identity import copy_leg
from tests.collect.postfix_logs import DATA, OBSERVED

STORE = Declaration(hosts=(Host(name="store", aliases=frozenset({"imap1"})),))


def parser(host: str = "store") -> DovecotParser:
    """A parser of one store's log; host "" leaves it to the lines."""
    return DovecotParser(Source(name="store-log", kind="dovecot", host=host), STORE)


@lru_cache
def day() -> tuple[bytes, ...]:
    """The lines of the sample day."""
    return tuple(lzma.decompress((DATA / "day" / "dovecot.log.xz").read_bytes()).splitlines())


@lru_cache
def case(name: str) -> tuple[bytes, ...]:
    """The store's lines of one journey; a switch's lines and our headings left out."""
    lines = lzma.decompress((DATA / "dovecot" / f"{name}.log.xz").read_bytes()).splitlines()
    return tuple(line for line in lines if line[:2] == b"20")


def pieces(lines: Iterable[bytes]) -> list[Piece]:
    """Lines with their numbers for offsets."""
    return [Piece(offset=number, raw=line) for number, line in enumerate(lines)]


def feed(by: DovecotParser, lines: Iterable[bytes]) -> list[MessageEvent]:
    """The events of more lines."""
    return list(by.parse(pieces(lines), file="dovecot.log", observed_at=OBSERVED))


def read(lines: Sequence[bytes]) -> list[MessageEvent]:
    """The events of a log."""
    return feed(parser(), lines)


def told(*lines: str) -> list[bytes]:
    """Lines of Dovecot's own log, one a second, written as `service(user)<pid><session>: text`."""
    return [
        f"2026-11-23T12:00:{number:02}.000000+0000 {line.replace('>: ', '>: Info: ', 1)}".encode()
        for number, line in enumerate(lines)
    ]


def short(events: Iterable[MessageEvent]) -> list[tuple[str, str, str | None]]:
    """Kind, place and next place of some events."""
    return [(event.kind.value, event.queue_id, event.next_queue_id) for event in events]


SESSION = "KNWqObDCBGvTUgAAg+zDdQ"
LMTP = f"lmtp(carol@dest.test)<7><{SESSION}>: "
IMAP = "imap(carol@dest.test)<8><fy6PwflgyKR/AAAB>: "
POP3 = "pop3(carol@dest.test)<9><aaaPwflgyKR/AAAB>: "


def mail(verb: str, uid: int = 5, *, box: str = "INBOX", flags: str = "", msgid: str = "<m@x.test>") -> str:
    """What mail_log says of a mail."""
    return f"{verb}: box={box}, uid={uid}, msgid={msgid}, size=335, from=a@x.test, subject=secret, flags=({flags})"


SEEN, CAROL = "\\Seen", "carol@dest.test"
COPY = copy_leg("store", CAROL, "INBOX", "5")
GONE = POP3 + mail("expunge")
END = POP3 + "Disconnected: Logged out "


def one(*lines: str) -> MessageEvent:
    """The one event of some lines."""
    (event,) = read(told(*lines))
    return event
