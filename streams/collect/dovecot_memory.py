"""What a Dovecot parser remembers from one line to the next; all of it bounded, all of it in the checkpoint.

Rules:
- A copy is the first half of a move until its origin is expunged: the last mailbox it was copied to is where it moved.
- What a filter or an operator marked as seen was read by nobody; the mark means nothing until it is taken away. It
  goes with a copy that is seen from the start, wherever a marked message lies in the mailbox that it came from.
- What leaves over POP3 without being seen is decided by the summary that ends its session.
- A rejection that was not sent was told to nobody; the line that says so comes before that of a filter's rejection.
- A mailbox that is renamed takes along what is remembered of it, and of those below it. What lies in the INBOX does not
  count here: it cannot be renamed.
- The oldest is forgotten first. What is forgotten errs on the safe side: a move looks like a message left unread.
"""

from typing import TypeVar

import msgspec

from streams.collect.dovecot_boxes import Renaming

COPIES = 10_000
"""Copies that are remembered until their expunge makes them a move; and of those that lie unread."""

SESSIONS = 2_000
"""Deliveries, marked messages and POP3 sessions that are remembered."""

LEFT = 1_000
"""Messages that left in one POP3 session."""

_Value = TypeVar("_Value")


class Copy(msgspec.Struct, frozen=True):
    """A copy of a message in a mailbox.

    Attributes:
        box: mailbox.
        uid: in it.
        user: whose mailbox it is; "" where it is of the user in question.
    """

    box: str
    uid: str
    user: str = ""


class Left(msgspec.Struct, frozen=True):
    """A message that left over POP3, unseen.

    Attributes:
        at: microseconds.
        box: mailbox.
        uid: in it.
        msgid: as logged.
    """

    at: int
    box: str
    uid: str
    msgid: str


class Memory(msgspec.Struct, forbid_unknown_fields=True):
    """Everything a Dovecot parser remembers.

    Attributes:
        version: of this format.
        clock: state of the line reader.
        second: the second of the last line, and how many lines it had.
        alike: how often each fact was told within that second.
        copies: where messages were copied to, by user, mailbox and message, oldest first.
        origins: of each such copy, what it is a copy of.
        held: how many copies those are.
        saved: last copy that each delivery saved.
        marked: copies that a filter or an operator marked as seen.
        descended: copies that were seen when made, of which what they are a copy of may be such.
        left: by POP3 session, what left unseen.
        lying: the Message-IDs of copies that were put or moved into a mailbox, and not read there; of no INBOX.
        unsent: deliveries whose rejection was not sent.
    """

    version: int = 1
    clock: tuple[int | None, int, int] = (None, 0, 0)
    second: tuple[int, int] = (0, 0)
    alike: dict[str, int] = {}
    copies: dict[str, list[Copy]] = {}
    origins: dict[str, str] = {}
    held: int = 0
    saved: dict[str, Copy] = {}
    marked: dict[str, bool] = {}
    left: dict[str, list[Left]] = {}
    descended: dict[str, bool] = {}
    unsent: dict[str, bool] = {}
    lying: dict[str, str] = {}

    def copied(self, origin: str, place: str) -> None:
        """A message was copied.

        Args:
            origin: names user, mailbox and message that it is a copy of.
            place: names user, mailbox and uid of the copy.
        """
        self.copies.setdefault(origin, []).append(copy_of(origin, place))
        self.origins[place] = origin
        self.held += 1
        while self.held > COPIES:
            oldest = next(iter(self.copies))
            self.held -= len(self.copies.pop(oldest))
        while len(self.origins) > COPIES:
            del self.origins[next(iter(self.origins))]

    def moved(self, origin: str) -> Copy | None:
        """The copy of an expunged message, where it has one: it was moved."""
        copies = self.copies.get(origin)
        if not copies:
            return None
        newest = (copies[-1].user, copies[-1].box)  # copies to one were made together, in the order of their expunges
        first = copies.pop(next(at for at, copy in enumerate(copies) if (copy.user, copy.box) == newest))
        self.held -= 1
        if not copies:
            del self.copies[origin]
        return first

    def lies(self, place: str, msgid: str) -> None:
        """A copy lies somewhere, unread."""
        _, box, uid = place.split("\0", 2)
        if uid and box and box.upper() != "INBOX":
            put(self.lying, place, msgid, COPIES)

    def renamed(self, renaming: Renaming) -> list[tuple[Copy, str, Copy]]:
        """A mailbox, and those below it, have other names.

        Returns:
            Each copy that lies unread there, its Message-ID, and what it is now.
        """
        found = []
        for place, msgid in self.lying.items():
            if (there := renaming.key(place)) != place:
                found.append((copy_of(place, place), msgid, copy_of(place, there)))
        self.lying, self.marked = renaming.keys(self.lying), renaming.keys(self.marked)
        self.descended = renaming.keys(self.descended)
        self.origins = {place: renaming.key(origin) for place, origin in renaming.keys(self.origins).items()}
        self.copies = {
            origin: [_renamed(one, origin, renaming) for one in copies]
            for origin, copies in renaming.keys(self.copies).items()
        }
        self.held = sum(len(copies) for copies in self.copies.values())
        return found

    def gone(self, place: str) -> bool:
        """Was an expunged copy one of a message that is still where it was."""
        origin = self.origins.pop(place, "")
        copies, copy = self.copies.get(origin, []), copy_of(origin, place)
        if copy not in copies:
            return False
        copies.remove(copy)
        self.held -= 1
        if not copies:
            del self.copies[origin]
        return True

    def delivered(self, delivery: str, copy: Copy) -> None:
        """A delivery saved a copy."""
        put(self.saved, delivery, copy)

    def seen_when_made(self, mailbox: str, place: str) -> None:
        """A copy was seen from the start, as what it is a copy of was; which of its mailbox that is is not known.

        Args:
            mailbox: begins the names of what lies where it was copied from.
            place: names user, mailbox and uid of the copy.
        """
        if any(name.startswith(mailbox) for marks in (self.marked, self.descended) for name in marks):
            put(self.descended, place, value=True)

    def is_marked(self, place: str) -> bool:
        """Was a copy marked as seen, or may it be a copy of one that was."""
        return place in self.marked or place in self.descended

    def unmark(self, place: str) -> None:
        """It is not seen any more."""
        self.marked.pop(place, None)
        self.descended.pop(place, None)

    def leaves(self, session: str, message: Left) -> None:
        """A message left over POP3, unseen."""
        messages = self.left.get(session, [])
        if len(messages) < LEFT:
            messages.append(message)
        put(self.left, session, messages)

    def seen_after_all(self, session: str, copy: Copy) -> None:
        """The store says after the expunge that a message had been retrieved."""
        messages = self.left.get(session)
        if messages:
            self.left[session] = [one for one in messages if (one.box, one.uid) != (copy.box, copy.uid)]


def _renamed(copy: Copy, origin: str, renaming: Renaming) -> Copy:
    is_theirs = copy.user == renaming.user if copy.user else renaming.is_of(origin)
    return msgspec.structs.replace(copy, box=renaming.box(copy.box)) if is_theirs else copy


def copy_of(origin: str, place: str) -> Copy:
    """The copy at a place, as one of the user's of whom something else is."""
    user, box, uid = place.split("\0", 2)
    return Copy(box, uid, "" if origin.startswith(f"{user}\0") else user)


def put(held: dict[str, _Value], key: str, value: _Value, limit: int = SESSIONS) -> None:
    """Keep a value as the newest; the oldest goes when there are too many."""
    held.pop(key, None)
    held[key] = value
    if len(held) > limit:
        del held[next(iter(held))]
