"""The Dovecot of the laboratory: mailboxes, Sieve scripts, and readers over IMAP and POP3."""

import imaplib
import poplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemons import DOVECOT, Daemon, copied, owned, run

MAIL = 5000
"""Owner of all mailboxes: a user id that needs no user."""


@dataclass(slots=True, kw_only=True)
class Store:
    """The store.

    Attributes:
        home: folder of everything it has.
        address: loopback.
        lmtp: port.
        imap: port.
        pop3: port.
    """

    home: Path
    address: str
    lmtp: int
    imap: int
    pop3: int
    _daemon: Daemon | None = None

    @property
    def log(self) -> Path:
        """What it writes down."""
        return self.home / "dovecot.log"

    def configure(self) -> None:
        """Write settings."""
        for folder in (self.home, self.home / "base", self.home / "state"):
            owned(folder, "root")
        owned(self.home / "mail", MAIL)
        ports = {"LMTP": str(self.lmtp), "IMAP": str(self.imap), "POP3": str(self.pop3)}
        copied("dovecot.conf", self.home / "dovecot.conf", {"HOME": str(self.home), "STORE": self.address, **ports})

    def maildir(self, user: str) -> Path:
        """The folder of a user's mails, made where it is missing."""
        name, _, domain = user.partition("@")
        place = self.home / "mail"
        for part in (domain, name, "Maildir"):
            place /= part
            owned(place, MAIL)
        for part in ("cur", "new", "tmp"):
            owned(place / part, MAIL)
        return place

    def sieve(self, user: str, script: str) -> None:
        """Give a user a filter."""
        place = self.maildir(user).parent / ".dovecot.sieve"
        place.write_text(script, encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it greets."""
        self._daemon = Daemon((DOVECOT, "-F", "-c", self.home / "dovecot.conf"), self.home / "output.log")
        for port in (self.lmtp, self.imap, self.pop3):
            self._daemon.wait_for(self.address, port)

    def stop(self) -> None:
        """End it."""
        if self._daemon is not None:
            self._daemon.stop()

    def rotate(self) -> None:
        """Rotate its log: renamed, and then opened anew."""
        self.log.rename(self.log.with_name(f"{self.log.name}.1"))
        run("/usr/bin/doveadm", "-c", self.home / "dovecot.conf", "log", "reopen")

    @contextmanager
    def opened(self, user: str, box: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """A user's mailbox over IMAP."""
        with imaplib.IMAP4(self.address, self.imap) as client:
            client.login(user, "secret")
            client.select(box)
            yield client

    def uids(self, user: str, message_id: str, box: str = "INBOX") -> list[str]:
        """The numbers of a message's copies in a mailbox."""
        with self.opened(user, box) as client:
            found = client.uid("SEARCH", f'HEADER Message-ID "{message_id}"')[1][0]
            return found.decode().split() if found else []

    def read(self, user: str, uid: str, box: str = "INBOX") -> None:
        """Open a copy, as a mail client does."""
        with self.opened(user, box) as client:
            client.uid("FETCH", uid, "(BODY[])")

    def seen_by_nobody(self, user: str, uid: str) -> bytes:
        """The text of a copy, without marking it."""
        with self.opened(user) as client:
            text: bytes = client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]
        return text

    def expunge(self, user: str, uid: str) -> None:
        """Delete a copy for good."""
        with self.opened(user) as client:
            client.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
            client.expunge()

    def move(self, user: str, uid: str, box: str) -> None:
        """Move a copy to another mailbox, made where it is missing."""
        with self.opened(user) as client:
            client.create(box)
            said = client.uid("MOVE", uid, box)
            assert said[0] == "OK", said

    def rename(self, user: str, old: str, new: str) -> None:
        """Give a mailbox another name."""
        with self.opened(user) as client:
            said = client.rename(old, new)
            assert said[0] == "OK", said

    def remove(self, user: str, box: str) -> None:
        """Delete a mailbox, with what is in it."""
        with self.opened(user) as client:
            said = client.delete(box)
            assert said[0] == "OK", said

    def popped(self, user: str) -> int:
        """Take everything over POP3 and delete it there; how many there were."""
        client = poplib.POP3(self.address, self.pop3)
        client.user(user)
        client.pass_("secret")
        count = len(client.list()[1])
        for number in range(1, count + 1):
            client.retr(number)
            client.dele(number)
        client.quit()
        return count
