"""The terms that a simulated network is held to, unless others are given: all of it, in times that a day shows."""

from streams import profiles
from streams.core.terms import Terms

TERMS = """
name = "simulated"
told_within = 300
unaccounted_after = 300

[report]
override = 300
flash = 600
immediate = 1800
normal = 14400
non-urgent = 28800

[stuck]
flash = 600
normal = 3600
non-urgent = 14400

[unread]
after = 14400
mailboxes = ["duty-*/INBOX"]
"""
"""Reads are watched where somebody is on duty."""


def terms(named: str = "") -> Terms:
    """The terms of a shipped profile or a file; "" is the simulated network's own.

    Raises:
        Misuse: there are none, or they are wrong.
    """
    return profiles.checked(text(named), named or "the simulated terms")


def text(named: str = "") -> str:
    """The same, as TOML.

    Raises:
        Misuse: there are none.
    """
    return profiles.text_of(named) if named else TERMS
