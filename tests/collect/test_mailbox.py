"""An mbox is followed as mails are put behind its end, and through what is done to mailboxes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from streams.collect import mailbox
from streams.collect.checkpoint import Place
from streams.collect.declaration import Source
from streams.collect.mailbox import Mailbox
from streams.collect.mails import CHUNK, of_mbox
from streams.collect.parser import Counts
from streams.collect.run import Collector
from tests.collect.broker import Log, Writer
from tests.collect.postfix_logs import DECLARATION
from tests.fuzz import seeds

Boxes = Callable[..., Mailbox]
"""Makes one."""

FROM = b"From a@b Mon Nov 23 09:00:00 2026\n"


def mail(word: bytes) -> bytes:
    """A mail as it stands in an mbox."""
    return FROM + b"Subject: " + word + b"\n\n" + word + b"\n\n"


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is whole."""
    monkeypatch.setattr(mailbox, "SETTLED", 0.0)


@pytest.fixture
def boxes(path: Path) -> Iterator[Boxes]:
    """Makes boxes that look at it, and closes them."""
    with ExitStack() as stack:

        def make(counts: Counts | None = None, place: Place | None = None) -> Mailbox:
            box = Mailbox(path, counts or Counts(), place)
            stack.callback(box.close)
            return box

        yield make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of an mbox that is not there yet."""
    return tmp_path / "mbox"


def words(box: Mailbox) -> list[bytes]:
    """What all mails say, until there is nothing new."""
    found = []
    for _ in range(1_000):
        look = box.look()
        found += [piece.raw.split()[-1] for piece in look.pieces]
        if look.idle and (look.all_read or look.away):
            return found
    raise AssertionError("it never ends")


def settle(looks: Iterator[bool]) -> None:
    """Look until nothing is new, and once more."""
    while not (next(looks) and next(looks)):
        pass


def append(path: Path, *mails: bytes) -> None:
    """Put something behind the end."""
    with path.open("ab") as file:
        file.write(b"".join(mails))


def test_mails_are_read_once_as_they_come(path: Path, boxes: Boxes) -> None:
    """It may not be there at first; each mail stands at its offset, as when all is read at once."""
    counts = Counts()
    box = boxes(counts)
    assert (words(box), box.look().away) == ([], True)
    append(path)
    assert (words(box), box.look().all_read) == ([], True)
    for number in (b"1", b"2"):
        append(path, mail(number), mail(number + b"a"))
        assert words(box) == [number, number + b"a"]
    append(path, mail(b"3"))
    (piece,) = box.look().pieces
    assert piece.offset == 2 * len(mail(b"1") + mail(b"1a"))
    assert (words(box), counts) == ([], Counts())


def test_a_mail_that_is_being_written_waits(path: Path, boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until nothing came for a while; nothing is claimed meanwhile."""
    now = [0.0]
    monkeypatch.setattr(mailbox, "SETTLED", 1.0)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    box = boxes()
    for moment, more, found in ((0.0, mail(b"1")[:20], 0), (0.9, mail(b"1")[20:], 0), (1.8, b"", 0), (2.0, b"", 1)):
        now[0] = moment
        append(path, more)
        look = box.look()
        assert (len(look.pieces), look.all_read) == (found, False), moment
    assert box.look().all_read


def test_a_mail_that_goes_on_after_all_is_read_again(path: Path, boxes: Boxes) -> None:
    """Its writer stood still for longer than a mail may: all is read again, to the same events, and the mail whole."""
    box = boxes()
    append(path, mail(b"1"), mail(b"2")[:-3])
    assert len(words(box)) == 2
    append(path, mail(b"2")[-3:])
    assert words(box) == [b"1", b"2"]


def test_blank_lines_between_mails_are_none(path: Path, boxes: Boxes) -> None:
    """Some writers put one before a mail, some behind it."""
    counts = Counts()
    box = boxes(counts)
    for more, found in ((mail(b"1"), [b"1"]), (b"\n" + mail(b"2"), [b"2"]), (b"\n\r\n", []), (mail(b"3"), [b"3"])):
        append(path, more)
        assert words(box) == found
    assert counts == Counts()


@pytest.mark.parametrize("between", [True, False], ids=["a new one later", "a new one at once"])
def test_a_mailbox_that_is_renamed(path: Path, boxes: Boxes, *, between: bool) -> None:
    """It is read to its end, then the new one from its beginning."""
    box = boxes()
    append(path, mail(b"1"))
    assert words(box) == [b"1"]
    append(path, mail(b"2"))
    path.rename(path.with_suffix(".old"))
    if between:
        assert words(box) == [b"2"]
        assert box.look().away
    append(path, mail(b"3"))
    assert words(box) == ([b"3"] if between else [b"2", b"3"])


def test_a_mailbox_that_is_emptied_or_written_anew(path: Path, boxes: Boxes) -> None:
    """Somebody took the mails out, or opened one: what is there is read from the beginning."""
    box = boxes()
    append(path, mail(b"1"), mail(b"2"))
    assert words(box) == [b"1", b"2"]
    path.write_bytes(b"")
    assert words(box) == []
    append(path, mail(b"3"))
    assert words(box) == [b"3"]
    path.write_bytes(mail(b"3").replace(b"Subject", b"Status: RO\nSubject") + mail(b"4"))
    assert words(box) == [b"3", b"4"]
    new = path.with_suffix(".new")
    new.write_bytes(mail(b"4"))
    new.replace(path)
    assert words(box) == [b"4"]


def test_a_mailbox_that_is_emptied_as_it_is_read(path: Path, boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of it is not told: its end may be missing."""
    box = boxes()
    append(path, mail(b"1"))

    def emptied(stream: IO[bytes], begin: int, end: int) -> Iterator[tuple[int, bytes, int]]:
        path.write_bytes(b"")
        return of_mbox(stream, begin, end)

    with monkeypatch.context() as patch:
        patch.setattr(mailbox, "of_mbox", emptied)
        assert words(box) == []
    append(path, mail(b"2"))
    assert words(box) == [b"2"]


def test_it_goes_on_where_a_checkpoint_says(path: Path, boxes: Boxes) -> None:
    """Where the mailbox is another by now, from its beginning."""
    box = boxes()
    append(path, mail(b"1"))
    assert words(box) == [b"1"]
    box.close()
    append(path, mail(b"2"))
    assert words(boxes(place=box.place)) == [b"2"]
    path.write_bytes(mail(b"3") + mail(b"2"))
    assert words(boxes(place=box.place)) == [b"3", b"2"]


def test_a_large_mailbox_comes_in_parts(path: Path, boxes: Boxes) -> None:
    """Each can be acknowledged before the next is read."""
    many = [b"%d" % number for number in range(2 * CHUNK + 5)]
    append(path, *map(mail, many))
    box, found = boxes(), list[int]()
    while not (look := box.look()).all_read:
        found.append(len(look.pieces))
    assert found == [CHUNK, CHUNK, 5]


def test_what_is_no_mbox_is_said_once(path: Path, boxes: Boxes) -> None:
    """And waited for: somebody may put it right."""
    counts = Counts()
    box = boxes(counts)
    path.write_bytes(b"Subject: none\n\n")
    assert [box.look().away for _ in range(3)] == [True] * 3
    assert counts.unread == {mailbox.NO_MBOX: 1}
    path.write_bytes(mail(b"1"))
    assert words(box) == [b"1"]


def test_a_collector_follows_it(path: Path, tmp_path: Path) -> None:
    """Reports that are put behind its end become the events that the whole mailbox gives."""
    reports = [FROM + one.replace(b"\nFrom ", b"\n>From ") + b"\n\n" for one in seeds.mails()]
    source = Source(name="r", kind="reports", paths=(str(path),))
    append(path, *reports[:2])
    log = Log()
    for more in (reports[2:4], reports[4:]):
        collector = Collector(source=source, declaration=DECLARATION, writer=Writer(log), store=tmp_path / "store")
        stop = threading.Event()
        looks = collector.looks(stop)
        settle(looks)
        append(path, *more)
        settle(looks)
        stop.set()
        assert not list(looks)
    whole = Log()
    Collector(source=source, declaration=DECLARATION, writer=Writer(whole), store=tmp_path / "whole").read()
    assert log.events.keys() == whole.events.keys()
    assert len([one for one in log.records if one[0] == "message-events"]) == len(log.events) > 0
