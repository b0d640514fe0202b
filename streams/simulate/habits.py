"""How often what is no fault happens in a network, as shares."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The ordinary life of a network.

    Attributes:
        held: of attempts, before which an operator puts an entry on hold, to release it later.
        requeued: of the waits after an attempt that put everything off, in which an operator puts an entry in again.
        large: bytes from which on a content filter looks at a message.
        asked: of letters, that ask for a receipt.
        answered: of receipts that were asked for, that are sent.
        shelved: of copies in mailboxes, that are moved to another unopened.
    """

    held: float = 0.0005
    requeued: float = 0.03
    large: int = 60_000
    asked: float = 0.03
    answered: float = 0.6
    shelved: float = 0.03


USUAL_HABITS = Habits()
"""Small shares: one message in twenty is large."""
