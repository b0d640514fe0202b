"""What leaves a store: unread, moved, or fetched by POP3."""

import pytest

from streams.core.events import Kind
from streams.core.identity import copy_leg
from tests.collect.dovecot_logs import (
    CAROL,
    COPY,
    END,
    GONE,
    IMAP,
    POP3,
    SEEN,
    mail,
    one,
    read,
    short,
    told,
)


def test_leaving_unread() -> None:
    r"""An expunge without \Seen is not-read; with it, or \Deleted alone, nothing."""
    event = one(IMAP + mail("expunge", flags="\\Deleted"))
    assert (event.kind, event.action, event.leg) == (Kind.NOT_READ, "deleted", COPY)
    assert not read(told(IMAP + mail("expunge", flags=SEEN), IMAP + mail("delete", flags="\\Deleted")))


def test_what_expires_unread_leaves_unread() -> None:
    """Mail that the store expunges by itself is an expunge, after a POP3 session's summary as well."""
    event = one(IMAP + "autoexpunge: box=INBOX, uid=7, msgid=<m3@x>, size=10, flags=()")
    assert (event.kind, event.action, event.queue_id) == (Kind.NOT_READ, "deleted", "INBOX/7")
    assert short(read(told(END + "top=0/0, retr=0/0, del=0/1, size=335", POP3 + mail("autoexpunge")))) == [
        ("not-read", "INBOX/5", None)
    ]
    assert not read(told(IMAP + mail("autoexpunge", flags=SEEN)))


def test_a_move_is_not_leaving() -> None:
    """Copy and expunge of one message: custody passes from copy to copy."""
    event = one(IMAP + mail("copy from INBOX", 1, box="Archive"), IMAP + mail("expunge"))
    assert (event.kind, event.side, event.peer) == (Kind.TRANSFERRED, "moved", "store")
    assert (event.leg, event.next_leg) == (COPY, copy_leg("store", CAROL, "Archive", "1"))


def test_alike_messages_move_in_their_order() -> None:
    """Several messages of one Message-ID (or none) move together; none is left unread."""
    lines = [IMAP + mail("copy from INBOX", uid, box="A", msgid="") for uid in (1, 2)]
    lines += [IMAP + mail("expunge", uid, msgid="") for uid in (5, 6)]
    assert short(read(told(*lines))) == [("transferred", "INBOX/5", "A/1"), ("transferred", "INBOX/6", "A/2")]


def test_a_move_may_take_two_sessions() -> None:
    """Old clients copy, and expunge when they leave: the copy is still there to be read."""
    other = IMAP.replace("fy6P", "zzzz")
    assert short(read(told(IMAP + mail("copy from INBOX", 1, box="A"), other + mail("expunge")))) == [
        ("transferred", "INBOX/5", "A/1")
    ]


def test_a_copy_without_a_uid_is_still_no_leaving() -> None:
    """Where it went is not known; that it is there is."""
    line = IMAP + mail("copy from INBOX", 1, box="A").replace("uid=1", "uid=error")
    assert not read(told(line, IMAP + mail("expunge")))


def test_another_user_s_copy_is_no_move() -> None:
    """Users may hold copies of one message; what one does says nothing of the other's."""
    other = IMAP.replace("carol", "dave")
    assert one(other + mail("copy from INBOX", 1, box="A"), IMAP + mail("expunge")).kind == Kind.NOT_READ


def test_a_copy_that_goes_leaves_the_message() -> None:
    """The expunge of a copy is nothing while the message is where it was; after a move it is not-read."""
    copy = IMAP + mail("copy from INBOX", 1, box="A")
    assert not read(told(copy, IMAP + mail("expunge", 1, box="A")))
    assert short(read(told(copy, IMAP + mail("expunge"), IMAP + mail("expunge", 1, box="A")))) == [
        ("transferred", "INBOX/5", "A/1"),
        ("not-read", "A/1", None),
    ]


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ((GONE, END + "top=0/0, retr=0/0, del=1/3, size=9"), ["not-read"]),
        ((GONE, END + "top=0/0, retr=1/335, del=1/1, size=9"), ["read"]),
        ((GONE, END + "top=0/0, retr=1/335, del=1/2, size=9"), ["removed"]),
        ((GONE, END + "top=1/335, retr=0/0, del=1/2, size=9"), ["removed"]),
        ((GONE, POP3 + mail("flag_change", flags=SEEN), END + "top=0/0, retr=2/9, del=1/2, size=9"), ["read"]),
        ((GONE,), []),
        ((END + "top=0/0, retr=1/335, del=1/1, size=9",), []),
        ((POP3 + "Connection closed",), []),
    ],
)
def test_pop3_proves_little(lines: tuple[str, ...], want: list[str]) -> None:
    """What left unseen was read only if it alone was there to be retrieved, and unread only if nothing was."""
    events = read(told(*lines))
    assert [event.kind.value for event in events] == want
    assert all(event.attributes == ("mailbox=INBOX", "uid=5", "pop3") for event in events)
