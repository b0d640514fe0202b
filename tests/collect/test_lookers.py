"""What is followed besides a log: a folder of mails, and a pipe."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.collect import lookers, mails
from streams.collect.checkpoint import Checkpoint
from streams.collect.declaration import Source
from streams.collect.lookers import Folder, Stream, looker
from streams.collect.parser import Counts
from streams.collect.seen import Seen
from streams.core.errors import Misuse


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """An empty Maildir."""
    for name in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture(autouse=True)
def tireless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look lists the folder."""
    monkeypatch.setattr(lookers, "SHARE", 0)


def _mails(folder: Folder) -> list[bytes]:
    """All mails until there is nothing new."""
    found = []
    while not (look := folder.look()).idle:
        found += [piece.raw for piece in look.pieces]
    assert look.all_read
    return found


def test_new_mails_of_a_maildir(maildir: Path) -> None:
    """Each mail is read once, whoever opens it meanwhile: flags and folders of a Maildir are no new mail."""
    read = Seen()
    folder = Folder(maildir, Counts(), read)
    assert _mails(folder) == []
    (maildir / "new" / "1.host").write_bytes(b"one")
    (maildir / "tmp" / "3.host").write_bytes(b"not yet delivered")
    assert _mails(folder) == [b"one"]
    (maildir / "new" / "1.host").rename(maildir / "cur" / "1.host:2,S")
    (maildir / "new" / "2.host").write_bytes(b"two")
    assert _mails(folder) == [b"two"]
    assert _mails(Folder(maildir, Counts(), read)) == []


def test_a_mail_is_read_when_it_was_taken(maildir: Path) -> None:
    """A mail that was given and never taken is given again by the next collector."""
    (maildir / "new" / "1.host").write_bytes(b"one")
    read = Seen()
    assert Folder(maildir, Counts(), read).look().pieces[0].raw == b"one"
    assert not len(read)
    assert _mails(Folder(maildir, Counts(), read)) == [b"one"]


def test_a_mail_that_is_still_written(tmp_path: Path) -> None:
    """In a folder where mails are not put in whole, one that has grown is read again."""
    folder = Folder(tmp_path, Counts(), Seen())
    (tmp_path / "a.eml").write_bytes(b"half")
    assert _mails(folder) == [b"half"]
    (tmp_path / "a.eml").write_bytes(b"half and half")
    assert _mails(folder) == [b"half and half"]


def test_a_folder_is_listed_once_for_many_mails(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of thousands is not listed for each of its mails, and rested from when there is nothing new."""
    listings: list[str] = []
    listed = mails.files

    def files(path: str, failed: Callable[[OSError], None]) -> list[str]:
        listings.append(path)
        return listed(path, failed)

    monkeypatch.setattr(mails, "files", files)
    monkeypatch.setattr(lookers, "SHARE", 1_000_000)
    for number in range(50):
        (maildir / "new" / str(number)).write_bytes(b"%d" % number)
    folder = Folder(maildir, Counts(), Seen())
    assert sum(len(folder.look().pieces) for _ in range(50)) == 50
    assert len(listings) == 1
    assert folder.look().idle


def test_a_mail_that_left_the_folder_is_forgotten(maildir: Path) -> None:
    """What was read is known as long as it is there; where it is put back it is read again."""
    read = Seen()
    folder = Folder(maildir, Counts(), read)
    for name in ("1.host", "2.host"):
        (maildir / "new" / name).write_bytes(name.encode())
    assert len(_mails(folder)) == 2
    (maildir / "new" / "2.host").rename(maildir.parent / "2.host")
    assert (_mails(folder), len(read)) == ([], 2)  # who opens a mail moves it, and it may be missed once
    for _ in range(2):
        assert (_mails(folder), len(read), len(read.packed)) == ([], 1, mails.KNOWN)
    (maildir.parent / "2.host").rename(maildir / "cur" / "2.host:2,S")
    assert _mails(folder) == [b"2.host"]


def test_a_mail_that_is_moved_as_the_folder_is_listed_is_not_forgotten(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missed by every other listing, or gone once its turn comes: it is there all the same."""
    (maildir / "new" / "1.host").write_bytes(b"one")
    (maildir / "new" / "2.host").write_bytes(b"two")
    folder, listed = Folder(maildir, Counts(), Seen()), mails.files
    assert len(_mails(folder)) == 2
    for missed in ([], ["1.host"], [], ["1.host"], []):
        monkeypatch.setattr(mails, "files", lambda *a, m=missed: [one for one in listed(*a) if one[-6:] not in m])
        assert _mails(folder) == []
    for _ in range(3):
        monkeypatch.setattr(mails, "files", lambda *a: [one.replace("1.host", "gone") for one in listed(*a)])
        assert _mails(folder) == []
    monkeypatch.setattr(mails, "files", listed)
    assert _mails(folder) == []


def test_nothing_is_forgotten_for_a_listing_that_failed(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed, or is not mounted, does not make its mails unread; nor is the first all read."""
    for name in ("new/1.host", "cur/2.host:2,"):
        (maildir / name).write_bytes(name.encode())
    folder, scan = Folder(maildir, Counts(), Seen()), os.scandir
    assert len(_mails(folder)) == 2

    def fails(path: str) -> Any:
        if path.endswith("new"):
            raise OSError(errno.EIO, "the disk does not answer")
        return scan(path)

    monkeypatch.setattr(os, "scandir", fails)
    monkeypatch.setattr(lookers, "SHARE", 1e9)  # it rests, and is away all the same
    looks = [folder.look() for _ in range(3)]
    assert [(look.idle, look.away, look.all_read) for look in looks] == [(True, True, False)] * 3
    monkeypatch.setattr(lookers, "SHARE", 0)
    folder._rest_until = 0.0
    monkeypatch.setattr(os, "scandir", scan)
    assert _mails(folder) == []
    maildir.rename(maildir.parent / "elsewhere")
    maildir.mkdir()
    assert [_mails(folder) for _ in range(3)] == [[]] * 3
    maildir.rmdir()
    (maildir.parent / "elsewhere").rename(maildir)
    assert _mails(folder) == []


def test_a_folder_that_is_away(tmp_path: Path) -> None:
    """It is waited for, and nothing is claimed meanwhile."""
    look = Folder(tmp_path / "none", Counts(), Seen()).look()
    assert (look.idle, look.away, look.all_read) == (True, True, False)


def test_a_pipe() -> None:
    """Lines come when their end is there; half a line is not all; the end of the pipe is the end."""
    out, into = os.pipe()
    counts = Counts()
    stream = Stream(out, counts)
    assert (stream.look().idle, stream.look().all_read) == (True, True)
    os.write(into, b"one\ntw")
    assert [piece.raw for piece in stream.look().pieces] == [b"one"]
    assert not stream.look().all_read
    os.write(into, b"o\nthr")
    assert [(piece.offset, piece.raw) for piece in stream.look().pieces] == [(4, b"two")]
    os.close(into)
    assert stream.look().ended
    assert counts.unread == {"the last line has no end": 1}
    os.close(out)


def test_what_cannot_be_followed(tmp_path: Path) -> None:
    """Several paths, a folder of logs: each is refused with a sentence."""
    log = Source(name="a", kind="postfix", paths=("a", "b"))
    refused = {"2 paths": log, "is a folder": replace(log, paths=(str(tmp_path),))}
    for said, source in refused.items():
        with pytest.raises(Misuse, match=said):
            looker(source, Counts(), Checkpoint(), Seen())


def test_what_of_mails_is_followed(tmp_path: Path) -> None:
    """Standard input, and a file that is no mbox, are refused, not waited for; what is not there yet is waited for."""
    (tmp_path / "mail").write_bytes(b"Subject: x\n")
    mails_of = Source(name="a", kind="reports")
    for path in ("-", str(tmp_path / "mail")):
        with pytest.raises(Misuse, match=r"is none: of mails, a Maildir, a folder or an mbox is followed") as caught:
            looker(replace(mails_of, paths=(path,)), Counts(), Checkpoint(), Seen())
        assert "--follow" in caught.value.hint
    mailbox = looker(replace(mails_of, paths=(str(tmp_path / "mbox"),)), Counts(), Checkpoint(), Seen())
    assert mailbox.look().away
    (tmp_path / "mbox").write_bytes(b"From x\n\none\n")
    assert [mailbox.look().away, mailbox.place] == [False, None]
    mailbox.close()
    folder = looker(replace(mails_of, paths=(str(tmp_path / "none"),)), Counts(), Checkpoint(), Seen())
    assert folder.look().away
    (tmp_path / "none").mkdir()
    assert folder.look().all_read
