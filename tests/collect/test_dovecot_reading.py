"""What a store's log tells of reads and marks, and how Dovecot 2.4 writes the same."""

import pytest

from streams.collect.dovecot_memory import SESSIONS
from streams.core.events import Kind
from tests.collect.dovecot_logs import (
    CAROL,
    COPY,
    IMAP,
    LMTP,
    SEEN,
    feed,
    mail,
    one,
    parser,
    read,
    short,
    told,
)

# Dovecot 2.4


def newer(verb: str, name: str, flags: str, *, is_named: bool) -> str:
    """What mail_log says since 2.4, with or without `box=`."""
    said = mail(verb, box=name, flags=flags)
    return f"Mailbox {name}: " + (said if is_named else said.replace(f"box={name}, ", "", 1))


@pytest.mark.parametrize("is_named", [False, True], ids=["without box=", "with box="])
@pytest.mark.parametrize("flags", ["", SEEN, "\\Deleted"], ids=["unseen", "seen", "deleted"])
@pytest.mark.parametrize("name", ["INBOX", "Old: mail", "to save: one, two"])
@pytest.mark.parametrize("verb", ["save", "flag_change", "expunge", "autoexpunge", "delete", "undelete"])
def test_newer_lines_tell_the_same(verb: str, name: str, flags: str, is_named: bool) -> None:  # noqa: FBT001 - a form
    """Since 2.4 the mailbox stands in front of the event, and is no field: the events are those of 2.3."""
    head = LMTP if verb == "save" else IMAP
    want = read(told(head + mail(verb, box=name, flags=flags)))
    assert read(told(head + newer(verb, name, flags, is_named=is_named))) == want
    assert want or flags or verb not in {"save", "expunge", "autoexpunge"}


def test_a_newer_copy_is_a_move() -> None:
    """In front of a copy stands where it lies."""
    text = "uid=1, msgid=<m@x.test>, size=335, flags=()"
    (event,) = read(
        told(
            f"{IMAP}Mailbox To: me: copy from Old: mail: {text}",
            f"{IMAP}Mailbox Old: mail: expunge: {text}",
        )
    )
    assert (event.kind, event.queue_id, event.next_queue_id) == (Kind.TRANSFERRED, "Old: mail/1", "To: me/1")


def test_lines_of_a_real_2_4() -> None:
    """Saved by the delivery agent, read, left unread."""
    by = parser()
    lines = (
        "lda(admin@x)<137260>: Info: Mailbox INBOX: save: uid=6, msgid=<m0@x>, size=3584",
        "lmtp(carol@y)<12><KNWq>: Mailbox INBOX: save: uid=5, msgid=<m1@x>, size=10",
        "imap(carol)<12><s>: Mailbox INBOX: flag_change: uid=5, msgid=<m1@x>, size=10, flags=(\\Seen)",
        "imap(carol)<12><s>: Mailbox INBOX: expunge: uid=6, msgid=<m2@x>, size=10, flags=()",
    )
    events = feed(by, [f"Nov 23 12:00:00 store dovecot: {line}".encode() for line in lines])
    assert [(event.kind, event.queue_id, event.next_queue_id) for event in events[1:]] == [
        (Kind.DELIVERED, "KNWq", "INBOX/5"),
        (Kind.READ, "INBOX/5", None),
        (Kind.NOT_READ, "INBOX/6", None),
    ]
    assert (events[0].kind, events[0].next_queue_id, events[0].size) == (Kind.DELIVERED, "INBOX/6", 3584)
    assert not by.counts.unread


# Reads


def test_a_read_is_the_flag_set_by_its_user() -> None:
    """An operator's tool sets flags too; nobody read then."""
    event = one(IMAP + mail("flag_change", flags=SEEN))
    assert (event.kind, event.leg, event.queue_id) == (Kind.READ, COPY, "INBOX/5")
    assert not read(told(f"doveadm({CAROL})<1><>: " + mail("flag_change", flags=SEEN)))


def test_what_a_filter_marked_nobody_read() -> None:
    r"""\Seen from the save on is no read, until it is taken away or the message is answered."""
    saved = LMTP + mail("save", flags=SEEN)
    event = one(saved, IMAP + mail("flag_change", flags=SEEN + " \\Flagged"))
    assert (event.kind, event.attributes[-1]) == (Kind.DELIVERED, "marked=seen")
    assert short(read(told(saved, IMAP + mail("flag_change", flags=SEEN + " \\Answered"))))[1:] == [
        ("read", "INBOX/5", None)
    ]
    again = told(saved, IMAP + mail("flag_change"), IMAP + mail("flag_change", flags=SEEN))
    assert short(read(again))[1:] == [("read", "INBOX/5", None)]


DELETED = "\\Deleted \\Seen"


def test_a_read_and_a_deletion_in_one() -> None:
    r"""Where one STORE sets \Seen and \Deleted, mail_log says only that it was deleted: it was read."""
    text = "box=INBOX, uid=5, msgid=<m@x.test>, size=335, flags=(\\Deleted \\Seen)"
    event = one(f"{IMAP}delete: {text}", f"{IMAP}expunge: {text}")
    assert (event.kind, event.leg) == (Kind.READ, COPY)
    assert one(IMAP + mail("undelete", flags=SEEN)).kind == Kind.READ
    assert not read(told(IMAP + mail("delete", flags="\\Deleted"), f"doveadm({CAROL})<1><>: delete: {text}"))


@pytest.mark.parametrize(
    "marked",
    [LMTP + mail("save", flags=SEEN), f"doveadm({CAROL})<1><>: " + mail("flag_change", flags=SEEN)],
    ids=["a filter", "an operator"],
)
def test_who_deletes_what_was_marked_has_not_read_it(marked: str) -> None:
    """Not where it was marked, nor where it was moved to; until the mark is taken away."""
    trash = mail("copy from INBOX", 1, box="Trash", flags=SEEN)
    deleted = mail("delete", 1, box="Trash", flags=DELETED)
    moved = [marked, IMAP + trash, IMAP + mail("expunge", flags=SEEN), IMAP + deleted]
    for lines in ([marked, IMAP + mail("delete", flags=DELETED)], moved):
        assert Kind.READ not in {event.kind for event in read(told(*lines))}
    for verb in ("flag_change", "delete", "undelete"):
        taken = [marked, IMAP + mail(verb), IMAP + mail("delete", flags=DELETED)]
        assert read(told(*taken))[-1].kind == Kind.READ
    tool = f"doveadm({CAROL})<1><>: " + mail("flag_change")
    assert read(told(marked, tool, IMAP + mail("delete", flags=DELETED)))[-1].kind == Kind.READ


def test_a_mark_is_of_its_mailbox() -> None:
    """A copy of what was read elsewhere may be read again."""
    lines = [LMTP + mail("save", flags=SEEN), IMAP + mail("copy from Lists", 1, box="A", flags=SEEN)]
    assert read(told(*lines, IMAP + mail("delete", 1, box="A", flags=DELETED)))[-1].kind == Kind.READ


def test_copies_push_no_mark_out() -> None:
    """Who files away thousands of read messages reads none that a filter marked."""
    copies = [IMAP + mail("copy from INBOX", uid, box="A", flags=SEEN) for uid in range(10, 10 + SESSIONS + 1)]
    lines = [LMTP + mail("save", flags=SEEN), *copies, IMAP + mail("delete", flags=DELETED)]
    assert [event.kind for event in read(told(*lines))] == [Kind.DELIVERED]


def test_flags_that_are_not_logged_are_said() -> None:
    """Without `flags` in mail_log_fields neither a read nor leaving unread can be known."""
    by = parser()
    text = "box=INBOX, uid=5, msgid=<m@x.test>, size=335"
    assert not feed(by, told(f"{IMAP}flag_change: {text}", f"{IMAP}expunge: {text}"))
    assert by.counts.unread == {"flags are not logged (mail_log_fields)": 2}
