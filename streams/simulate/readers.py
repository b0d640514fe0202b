"""What people do with the copies in their mailboxes.

Rules:
- A desk opens its mail within the hour, unless its reader is away, or forgets it; a person in office hours, within
  some, or never.
- Some of what was opened is filed or removed later; a little is removed unread.
- Some is moved unopened, put by or thrown into the trash, to be opened or not as it would have been where it was; and
  the trash is emptied. That is drawn apart, so that all else is played as if nobody did.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from streams.simulate import receipts
from streams.simulate.acts import Expunged, Moved, Opened
from streams.simulate.faults import HOUR, MINUTE
from streams.simulate.letters import Letter
from streams.simulate.office import at_work
from streams.simulate.receipts import Reader

if TYPE_CHECKING:
    from streams.simulate.play import Play

SECOND = 1_000_000
BOX = "INBOX"
ARCHIVE, LATER, TRASH = "Archive", "Later", "Trash"
OPENED, THROWN_AWAY = 0.8, 0.03
FILED, REMOVED = 0.2, 0.1
FORGOTTEN = 0.003
EMPTIED = 0.5
"""Shares: of a person's copies, of what was opened, of a desk's copies, of what nobody would open in the trash."""


@dataclass(slots=True, kw_only=True)
class Copy:
    """One copy in a mailbox.

    Attributes:
        store: where it lies.
        uid: in its mailbox.
        letter: what it is a copy of.
        reader: whose it is.
        box: mailbox.
        awaited: it will be opened or thrown away.
        touched: it was.
    """

    store: str
    uid: int
    letter: Letter
    reader: Reader
    box: str = BOX
    awaited: bool = False
    touched: bool = False

    @property
    def user(self) -> str:
        """Whose mailbox it is."""
        return self.reader.to

    @property
    def tickets(self) -> tuple[int, ...]:
        """The number of its ticket."""
        return (self.reader.ticket,)


def lies(play: "Play", at: int, copy: Copy, *, desk: bool) -> None:
    """A copy lies in a mailbox; decide what will become of it."""
    _may_shelve(play, at, copy)
    chance = play.chance
    draw = chance.random()
    copy.awaited = (copy.letter.fault != "absent" and draw >= FORGOTTEN) if desk else draw < OPENED + THROWN_AWAY
    if desk and copy.awaited:
        play.later(at + chance.randint(20 * SECOND, 40 * MINUTE), _open, play, copy)
    elif copy.awaited and draw < OPENED:
        play.later(at_work(at + int(chance.expovariate(1 / (2 * HOUR))) + SECOND, chance), _open, play, copy)
    elif copy.awaited:
        play.later(at_work(at + int(chance.expovariate(1 / HOUR)) + SECOND, chance), _throw_away, play, copy)


def _may_shelve(play: "Play", at: int, copy: Copy) -> None:
    """Some copies are moved before they are opened, soon or when it is nearly too late."""
    apart = random.Random(f"shelf {copy.user} {copy.uid} {at}")  # noqa: S311 - a play, no secret
    if copy.letter.fault == "absent" or apart.random() >= play.habits.shelved:
        return
    box = apart.choice((LATER, TRASH))
    at += apart.randint(5 * SECOND, apart.choice((10 * MINUTE, 6 * HOUR)))
    play.later(at, _shelve, play, copy, box)
    if box == TRASH and apart.random() < EMPTIED:
        play.later(at + apart.randint(MINUTE, 8 * HOUR), _purge, play, copy)


def _shelve(at: int, play: "Play", copy: Copy, box: str) -> None:
    if not copy.touched and not play.trouble.up_at(copy.store, at):
        _move(at, play, copy, box, seen=False)


def _purge(at: int, play: "Play", copy: Copy) -> None:
    """The trash is emptied of what nobody would open."""
    if copy.box == TRASH and not copy.awaited and not play.trouble.up_at(copy.store, at):
        play.emit(at, Expunged(at=at, session=_session(copy), seen=False, **_place(copy)), copy.tickets)


def _open(at: int, play: "Play", copy: Copy) -> None:
    if _wait(at, play, _open, copy):
        return
    copy.touched = True
    play.emit(at, Opened(at=at, session=_session(copy), **_place(copy)), copy.tickets)
    receipts.answer(play, at, copy.letter, copy.reader, "displayed")
    draw = play.chance.random()
    if draw < FILED:
        play.later(at + play.chance.randint(SECOND, HOUR), _file, play, copy)
    elif draw < FILED + REMOVED:
        play.later(at + play.chance.randint(SECOND, HOUR), _remove, play, copy)


def _file(at: int, play: "Play", copy: Copy) -> None:
    if not _wait(at, play, _file, copy):
        _move(at, play, copy, ARCHIVE, seen=True)


def _move(at: int, play: "Play", copy: Copy, box: str, *, seen: bool) -> None:
    key = (copy.user, box)
    uid = play.uids[key] = play.uids.get(key, 0) + 1
    play.emit(
        at, Moved(at=at, session=_session(copy), to_mailbox=box, to_uid=uid, seen=seen, **_place(copy)), copy.tickets
    )
    copy.box, copy.uid = box, uid


def _remove(at: int, play: "Play", copy: Copy) -> None:
    if not _wait(at, play, _remove, copy):
        play.emit(at, Expunged(at=at, session=_session(copy), seen=True, **_place(copy)), copy.tickets)


def _throw_away(at: int, play: "Play", copy: Copy) -> None:
    if not _wait(at, play, _throw_away, copy):
        copy.touched = True
        play.emit(at, Expunged(at=at, session=_session(copy), seen=False, **_place(copy)), copy.tickets)
        receipts.answer(play, at, copy.letter, copy.reader, "deleted")


def _wait(at: int, play: "Play", do: Callable[..., None], copy: Copy) -> bool:
    """A store that is down is asked again later."""
    up = play.trouble.up_at(copy.store, at)
    if up:
        play.later(up + play.chance.randint(SECOND, MINUTE), do, play, copy)
    return bool(up)


def _place(copy: Copy) -> dict[str, Any]:
    return {"host": copy.store, "user": copy.user, "mailbox": copy.box, "uid": copy.uid,
            "message_id": copy.letter.message_id, "size": copy.letter.size}  # fmt: skip


def _session(copy: Copy) -> str:
    return f"{crc32(copy.user.encode()) + copy.uid:012}AAAB"
