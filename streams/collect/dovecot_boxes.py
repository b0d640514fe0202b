"""A mailbox that is renamed: what is remembered of it goes with it, and with those below it.

Rules:
- One line names the mailbox that was renamed; those below it go along, and no line says so.
- What stands between the parts of a name is the server's choice, and not logged: a slash where a name has one, else a
  dot.
- Keys begin with a user and a mailbox, each ended by NUL.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self, TypeVar

_Value = TypeVar("_Value")


class Renaming(NamedTuple):
    """One mailbox's other name.

    Attributes:
        user: whose it is.
        old: its name.
        new: its name from now on.
        between: what stands between the parts of a name.
    """

    user: str
    old: str
    new: str
    between: str

    @classmethod
    def of(cls, user: str, old: str, new: str, keys: Iterable[str]) -> Self:
        """Find what stands between the parts of names from those that the user has, among some keys."""
        boxes = (key.split("\0", 2)[1] for key in keys if key.startswith(f"{user}\0"))
        return cls(user, old, new, "/" if any("/" in box for box in (old, new, *boxes)) else ".")

    def box(self, box: str) -> str:
        """The name that one of the user's mailboxes has now."""
        if box == self.old or box.startswith(self.old + self.between):
            return self.new + box[len(self.old) :]
        return box

    def is_of(self, key: str) -> bool:
        """Is a key of this user."""
        return key.startswith(f"{self.user}\0")

    def key(self, key: str) -> str:
        """What a key is now."""
        if not key.startswith(f"{self.user}\0{self.old}"):  # most are of others
            return key
        user, box, rest = key.split("\0", 2)
        return f"{user}\0{self.box(box)}\0{rest}"

    def keys(self, held: dict[str, _Value]) -> dict[str, _Value]:
        """What is held, in its order, by what its keys are now."""
        return {self.key(key): value for key, value in held.items()}
