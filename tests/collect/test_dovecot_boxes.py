"""Mailboxes that are renamed and deleted: what lies in them unread is still known."""

import msgspec
import pytest

from streams.collect import dovecot_memory
from streams.core.events import Kind
from streams.core.identity import copy_leg
from tests.collect.dovecot_logs import CAROL, IMAP, LMTP, SEEN, feed, mail, parser, read, short, told

FILED = (LMTP + mail("save"), IMAP + mail("copy from INBOX", 1, box="Projects"), IMAP + mail("expunge"))
RENAMED = IMAP + "Mailbox renamed: Projects -> Later"


def test_what_lies_in_a_mailbox_goes_along_when_it_is_renamed() -> None:
    """Its copies keep their numbers: custody passes from each name to the next, to where one is read or left unread."""
    *_, move, rename, read_there = read(told(*FILED, RENAMED, IMAP + mail("flag_change", 1, box="Later", flags=SEEN)))
    assert (rename.kind, rename.side, rename.peer) == (Kind.TRANSFERRED, "moved", "store")
    assert (rename.leg, rename.message_key) == (move.next_leg, "m@x.test")
    assert rename.next_leg == read_there.leg == copy_leg("store", CAROL, "Later", "1")
    assert (rename.queue_id, rename.next_queue_id) == ("Projects/1", "Later/1")
    assert (read_there.kind, read_there.occurred_at > rename.occurred_at) == (Kind.READ, True)


@pytest.mark.parametrize("between", ["/", "."])
def test_mailboxes_below_go_along(between: str) -> None:
    """One line is said for all; what only begins with the same letters, or is of another user, stays."""
    boxes = [f"Projects{between}Sub", "Projects too", "Projects"]
    saves = [LMTP + mail("save", number, box=box) for number, box in enumerate(boxes, 1)]
    other = LMTP.replace("carol", "dave") + mail("save", 9, box="Projects")
    events = short(read(told(*saves, other, RENAMED)))
    assert events[4:] == [
        ("transferred", f"Projects{between}Sub/1", f"Later{between}Sub/1"),
        ("transferred", "Projects/3", "Later/3"),
    ]


def test_a_dot_ends_no_part_where_slashes_do() -> None:
    """The server's separator is the one that its names have."""
    saves = [LMTP + mail("save", 1, box="Projects.x"), LMTP + mail("save", 2, box="Lists/a")]
    assert len(read(told(*saves, RENAMED))) == len(saves)


def test_what_was_read_or_has_left_does_not_go_along() -> None:
    """Only what lies unread is of interest; and nothing of what a client put there."""
    for last in ((mail("flag_change", 1, box="Projects", flags=SEEN),), (mail("expunge", 1, box="Projects"),)):
        lines = [*FILED, *(IMAP + text for text in last)]
        assert read(told(*lines, RENAMED)) == read(told(*lines))
    moved_seen = (FILED[0], FILED[1].replace("flags=()", f"flags=({SEEN})"), IMAP + mail("expunge", flags=SEEN))
    assert read(told(*moved_seen, RENAMED)) == read(told(*moved_seen))
    assert not read(told(IMAP + mail("save", 1, box="Projects"), RENAMED))


def test_marks_go_along() -> None:
    """What a filter marked nobody has read, by whatever name it lies; nor a copy of it, which is still to be read."""
    marked = LMTP + mail("save", 1, box="Projects", flags=SEEN)
    kinds = [e.kind for e in read(told(marked, RENAMED, IMAP + mail("flag_change", 1, box="Later", flags=SEEN)))]
    assert kinds == [Kind.DELIVERED, Kind.TRANSFERRED]
    copied = IMAP + mail("copy from Lists", 1, box="Projects", flags=SEEN)
    moved = [LMTP + mail("save", box="Lists", flags=SEEN), copied, IMAP + mail("expunge", box="Lists", flags=SEEN)]
    kinds = [e.kind for e in read(told(*moved, RENAMED, IMAP + mail("delete", 1, box="Later", flags=SEEN)))]
    assert kinds == [Kind.DELIVERED, Kind.TRANSFERRED, Kind.TRANSFERRED]


def test_a_move_whose_second_half_comes_after_the_rename() -> None:
    """An old client copies and expunges much later: it moved to where the copy lies by then, or from there."""
    assert short(read(told(FILED[0], FILED[1], RENAMED, FILED[2])))[1:] == [("transferred", "INBOX/5", "Later/1")]
    away = [LMTP + mail("save", box="Projects"), IMAP + mail("copy from Projects", 1, box="Other"), RENAMED]
    assert short(read(told(*away, IMAP + mail("expunge", box="Later"))))[1:] == [
        ("transferred", "Projects/5", "Later/5"),
        ("transferred", "Later/5", "Other/1"),
    ]
    back = IMAP + mail("expunge", 1, box="Later")
    assert short(read(told(FILED[0], FILED[1], RENAMED, back, FILED[2])))[1:] == [("not-read", "INBOX/5", None)]


def test_who_renames_a_mailbox_twice() -> None:
    """By hand or by an operator's tool, in the words of a newer server as well; a name may have an arrow."""
    tool = f"doveadm({CAROL})<1><>: Mailbox Later: Mailbox renamed: Later -> a -> b"
    assert short(read(told(*FILED, RENAMED, tool)))[2:] == [
        ("transferred", "Projects/1", "Later/1"),
        ("transferred", "Later/1", "a -> b/1"),
    ]


def test_a_mailbox_that_is_deleted_has_its_messages_expunged_first() -> None:
    """As a Dovecot 2.3 writes it: what lay there unread was not read."""
    gone = (IMAP + mail("expunge", 1, box="Projects", flags="\\Recent"), IMAP + "Mailbox deleted: Projects")
    by = parser()
    assert short(feed(by, told(*FILED, *gone)))[2:] == [("not-read", "Projects/1", None)]
    assert not by.counts.unread


@pytest.mark.parametrize(
    "text", ["Mailbox renamed: Projects", "Mailbox renamed:  -> Later", "Mailbox x Mailbox renamed: Projects -> Later"]
)
def test_what_is_no_renaming(text: str) -> None:
    """A line that names no two mailboxes moves nothing."""
    assert len(read(told(*FILED, IMAP + text))) == len(read(told(*FILED)))


def test_what_lies_unread_is_bounded_and_survives_a_restart() -> None:
    """The oldest is forgotten first; a checkpoint has the rest."""
    by = parser()
    count = dovecot_memory.COPIES + 10
    for number in range(1, count + 1, 50):
        feed(by, told(*(LMTP + mail("save", uid, box="Projects") for uid in range(number, number + 50))))
    memory = msgspec.msgpack.decode(by.state(), type=dovecot_memory.Memory)
    assert len(memory.lying) == dovecot_memory.COPIES
    other = parser()
    other.restore(by.state())
    assert len(feed(other, told(RENAMED))) == dovecot_memory.COPIES
