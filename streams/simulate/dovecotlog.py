r"""Acts of a store to the lines that Dovecot 2.3 writes about them: LMTP, sieve, and mail_log over IMAP.

Rules:
- mail_log shows eighty characters of a Message-ID: a longer one ends after seventy-seven with "...".
- A discard by sieve saves nothing and says so; what sieve puts elsewhere is a save there.
- A move is a copy and an expunge; an expunge comes after \Deleted was set.
"""

from collections.abc import Callable, Iterator
from typing import Any

from streams.simulate.acts import Act, Expunged, Moved, Opened, Stored
from streams.simulate.postfixlog import STEP, Said

_SHOWN = 80
_INBOX = "INBOX"
_LMTP = 24_500
_IMAP = 30_000
_PIDS = 900


class DovecotLog:
    """Writes the log of one store."""

    def __init__(self) -> None:
        """Nobody is logged in."""
        self._turn = 0
        self._says: dict[type[Act], Callable[[Any], Iterator[Said]]] = {
            Stored: self._stored,
            Opened: self._opened,
            Expunged: self._expunged,
            Moved: self._moved,
        }

    def lines(self, act: Act) -> Iterator[Said]:
        """The lines of an act of this store."""
        says = self._says.get(type(act))
        return says(act) if says else iter(())

    def _pid(self, first: int) -> int:
        self._turn += 1
        return first + self._turn % _PIDS

    def _stored(self, act: Stored) -> Iterator[Said]:
        pid = self._pid(_LMTP)
        who, msgid = f"lmtp({act.user})<{pid}><{act.session}>: Info: ", act.message_id or "unspecified"
        yield act.at - STEP, f"lmtp({pid}): Info: Connect from local"
        if not act.mailbox:
            words = "marked message to be discarded if not explicitly delivered (discard action)"
            yield act.at, f"{who}sieve: msgid={msgid}: {words}"
        else:
            flags = r"\Seen" if act.seen else ""
            yield act.at, f"{who}save: {_message(act, act.mailbox, act.uid, flags)}"
            said = f"msgid={msgid}: saved mail to {act.mailbox}"
            if act.mailbox != _INBOX:
                said = f"sieve: msgid={msgid}: stored mail into mailbox '{act.mailbox}'"
            yield act.at, f"{who}{said}"
        yield act.at + STEP, f"lmtp({pid}): Info: Disconnect from local: Logged out (state=READY)"

    def _opened(self, act: Opened) -> Iterator[Said]:
        yield from self._client(act, [f"flag_change: {_message(act, act.mailbox, act.uid, _SEEN)}"], "body_count=1")

    def _expunged(self, act: Expunged) -> Iterator[Said]:
        flags = rf"\Deleted{f' {_SEEN}' if act.seen else ''}"
        message = _message(act, act.mailbox, act.uid, flags)
        yield from self._client(act, [f"delete: {message}", f"expunge: {message}"], "body_count=0")

    def _moved(self, act: Moved) -> Iterator[Said]:
        flags = _SEEN if act.seen else ""
        copy = f"copy from {act.mailbox}: {_message(act, act.to_mailbox, act.to_uid, flags)}"
        yield from self._client(act, [copy, f"expunge: {_message(act, act.mailbox, act.uid, flags)}"], "body_count=0")

    def _client(self, act: Opened | Expunged | Moved, said: list[str], done: str) -> Iterator[Said]:
        """What one IMAP session did, with its beginning and end."""
        pid = self._pid(_IMAP)
        who = f"imap({act.user})<{pid}><{act.session}>: Info: "
        login = f"method=PLAIN, rip=192.0.2.77, lip=192.0.2.14, mpid={pid}, session=<{act.session}>"
        yield act.at - STEP, f"imap-login: Info: Login: user=<{act.user}>, {login}"
        for text in said:
            yield act.at, who + text
        yield act.at + STEP, f"{who}Disconnected: Logged out in=174 out=2425 hdr_count=0 hdr_bytes=0 {done}"


_SEEN = r"\Seen"


def _message(act: Stored | Opened | Expunged | Moved, box: str, uid: int, flags: str) -> str:
    """What mail_log says of a message (mail_log_fields = uid box msgid size vsize flags)."""
    size = f"size={act.size}, vsize={act.size + act.size // 40}"
    return f"box={box}, uid={uid}, msgid={_cut(act.message_id)}, {size}, flags=({flags})"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
