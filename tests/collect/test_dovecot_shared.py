"""Mailboxes that several users share: what anybody does there is done to the owner's copies."""

import msgspec
import pytest

from streams.collect.declaration import Source
from streams.collect.dovecot import DovecotParser
from streams.core.events import Kind, MessageEvent
from streams.core.identity import copy_leg
from tests.collect.dovecot_logs import LMTP, SEEN, STORE, feed, mail, short, told

INFO = "info@dest.test"
SAVED = LMTP.replace("carol@dest.test", INFO) + mail("save")
ALICE = "imap(alice@dest.test)<8><fy6PwflgyKR/AAAB>: "
DAVE = ALICE.replace("alice", "dave")
BOX = "shared/info@dest.test"


def shared(prefix: str = "shared/") -> DovecotParser:
    """A parser of a store where others' mailboxes are called so."""
    return DovecotParser(Source(name="store-log", kind="dovecot", host="store", shared=prefix), STORE)


def read(*lines: str, prefix: str = "shared/") -> list[MessageEvent]:
    """The events of some lines of such a store."""
    return feed(shared(prefix), told(*lines))


def copy(user: str, box: str, uid: str) -> bytes:
    """The leg of a copy."""
    return copy_leg("store", user, box, uid)


@pytest.mark.parametrize(
    ("prefix", "box", "name"),
    [
        ("shared/", BOX, "INBOX"),
        ("shared/", f"{BOX}/INBOX", "INBOX"),
        ("shared/", f"{BOX}/Orders/New", "Orders/New"),
        ("user.", "user.info.Orders", "Orders"),
        ("Other Users/", "Other Users/info", "INBOX"),
    ],
)
def test_what_anybody_reads_there_is_read(prefix: str, box: str, name: str) -> None:
    """Behind the prefix stands whose it is, with or without the domain, which is the reader's then."""
    (event,) = read(ALICE + mail("flag_change", box=box, flags=SEEN), prefix=prefix)
    assert (event.kind, event.recipient, event.queue_id) == (Kind.READ, INFO, f"{name}/5")
    assert event.leg == copy(INFO, name, "5")
    (event,) = read(ALICE + mail("expunge", box=box), prefix=prefix)
    assert (event.kind, event.leg) == (Kind.NOT_READ, copy(INFO, name, "5"))


@pytest.mark.parametrize("box", ["shared", "shared/", "shared//x", "sharedinfo@dest.test", "My shared/info@dest.test"])
def test_what_is_not_shared_is_one_s_own(box: str) -> None:
    """Only what begins so, and names somebody; and nothing where no beginning is declared."""
    line = ALICE + mail("flag_change", box=box, flags=SEEN)
    assert read(line) == read(line, prefix="")
    (event,) = read(ALICE + mail("flag_change", box=BOX, flags=SEEN), prefix="")
    assert event.leg == copy("alice@dest.test", BOX, "5")


def test_what_somebody_takes_over_is_still_to_be_read() -> None:
    """From the shared mailbox into one's own, from there into another's, and renamed there."""
    mine = ALICE + mail("copy from " + BOX, 1, box="Mine"), ALICE + mail("expunge", box=BOX)
    renamed = ALICE + "Mailbox renamed: Mine -> Ours"
    back = ALICE + mail("copy from Ours", 9, box=f"{BOX}/Done"), ALICE + mail("expunge", 1, box="Ours")
    saved, taken, named, given = read(SAVED, *mine, renamed, *back)
    assert (saved.next_leg, taken.leg) == (copy(INFO, "INBOX", "5"),) * 2
    assert taken.next_leg == named.leg == copy("alice@dest.test", "Mine", "1")
    assert named.next_leg == given.leg == copy("alice@dest.test", "Ours", "1")
    assert (given.next_leg, given.recipient) == (copy(INFO, "Done", "9"), "alice@dest.test")
    (_, *last) = read(SAVED, *mine, renamed, *back, DAVE + f"Mailbox renamed: {BOX}/Done -> {BOX}/Old")[3:]
    assert short(last) == [("transferred", "Done/9", "Old/9")]
    assert last[0].recipient == INFO


def test_copies_of_two_users_are_two() -> None:
    """Mailboxes of one name, and copies of one number in them, are told apart by whose they are."""
    copies = [who + mail("copy from " + BOX, 1, box="Mine") for who in (ALICE, DAVE)]
    assert short(read(SAVED, *copies, DAVE + mail("expunge", 1, box="Mine")))[1:] == []
    moved = read(SAVED, *copies, DAVE + mail("expunge", 1, box="Mine"), DAVE + mail("expunge", box=BOX))[-1]
    assert moved.next_leg == copy("alice@dest.test", "Mine", "1")
    renamed = [*copies, ALICE + "Mailbox renamed: Mine -> Ours", DAVE + mail("expunge", box=BOX)]
    assert read(SAVED, *renamed)[-1].next_leg == copy("dave@dest.test", "Mine", "1")


def test_a_rename_to_somebody_else_is_none() -> None:
    """No server does that; nothing moves."""
    lines = SAVED.replace("INBOX", "Orders"), ALICE + f"Mailbox renamed: {BOX}/Orders -> Orders"
    assert len(read(*lines)) == 1


def test_a_filter_may_save_into_a_shared_mailbox() -> None:
    """It is a delivery to who has the filter, and lies with the owner."""
    script = LMTP + mail("save", box=f"{BOX}/Orders")
    saved, seen = read(script, ALICE + mail("flag_change", box=f"{BOX}/Orders", flags=SEEN))
    assert (saved.kind, saved.recipient, saved.attributes[0]) == (
        Kind.DELIVERED, "carol@dest.test", f"mailbox={BOX}/Orders",
    )  # fmt: skip
    assert saved.next_leg == seen.leg == copy(INFO, "Orders", "5")


def test_marks_of_a_shared_mailbox_are_of_its_copies() -> None:
    """What a filter marked there nobody has read, whoever changes its flags."""
    marked = SAVED.replace("flags=()", f"flags=({SEEN})")
    assert len(read(marked, ALICE + mail("flag_change", box=BOX, flags=SEEN))) == 1


def test_a_checkpoint_of_before_knows_its_copies() -> None:
    """A copy that was remembered without its owner is the user's own."""
    by, other = shared(), shared("")
    feed(other, told(ALICE + mail("copy from INBOX", 1, box="Mine")))
    state = msgspec.msgpack.decode(other.state())
    for copies in state["copies"].values():
        for one in copies:
            del one["user"]
    by.restore(msgspec.msgpack.encode(state))
    assert short(feed(by, told(ALICE + mail("expunge")))) == [("transferred", "INBOX/5", "Mine/1")]
