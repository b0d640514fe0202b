"""What can go wrong, named by who must act.

Undecodable: a peer's bytes are wrong; dead-letter them and carry on. Misuse: our own settings, arguments or code are
wrong; fail at the start with a sentence that says what to change. Unavailable: a service is away; wait and retry.
A late or odd event is a finding, never an error.
"""

from collections.abc import Sequence


class CustodyError(Exception):
    """Root of all errors that Custody raises on purpose.

    Attributes:
        hint: what the reader of the message can do about it; may be empty.
        exit_code: what a command ends with.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the sentence and the hint."""
        super().__init__(message)
        self.hint = hint


class Undecodable(CustodyError):  # noqa: N818 - named by what happened, as h11 does
    """A peer's bytes cannot be understood; `message` gives the reason, the caller adds the place."""


class Misuse(CustodyError):  # noqa: N818
    """Our settings, arguments or code are wrong: fail at the start."""

    exit_code = 2


class Unavailable(CustodyError):  # noqa: N818
    """A service is away: wait and retry, say so, never dead-letter."""

    exit_code = 3


class NoTopic(Unavailable):
    """The brokers have no such topic, or not yet."""


def no_ledger(name: str, there: Sequence[str]) -> Misuse:
    """What is said of a ledger that is not there, wherever it was looked for.

    Args:
        name: of it.
        there: those that are.
    """
    known = f"there are: {', '.join(there)}; " if there else ""
    how = f"custody import --ledger {name} makes one, custody worker --ledger {name} works for it"
    return Misuse(f"There is no ledger {name!r}.", hint=known + how)
