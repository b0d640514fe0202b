"""Profiles of terms: the shipped ones by name, or a file of one's own.

Rules:
- Who comes with terms is told what in them is meaningless, and they are refused.
- What a ledger has been told is read as it stands: a refusal that is newer must not end its workers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from streams.core import scrutiny
from streams.core.documents import toml
from streams.core.errors import Misuse
from streams.core.terms import Terms

DEFAULT = "watch"


def shipped() -> list[str]:
    """Names of the profiles that come with Custody."""
    return sorted(
        file.name.removesuffix(".toml") for file in (files("schemas") / "terms").iterdir() if file.name[-5:] == ".toml"
    )


def load(named: str = "") -> Terms:
    """The terms of a shipped profile or of a file; "" is the default.

    Raises:
        Misuse: there is none, or it is wrong; with the place.
    """
    return checked(text_of(named), named or DEFAULT)


def checked(text: str, where: str) -> Terms:
    """Terms from TOML that no ledger has been told yet.

    Raises:
        Misuse: with the place and what is wrong, or meaningless.
    """
    with _placed(where):
        terms = Terms.parse(toml(text))
        scrutiny.check(terms.profile)
        return terms


def parse(text: str, where: str) -> Terms:
    """Terms from TOML.

    Raises:
        Misuse: with the place and what is wrong.
    """
    with _placed(where):
        return Terms.parse(toml(text))


@contextmanager
def _placed(where: str) -> Iterator[None]:
    """What is wrong in there is said with the name of the whole."""
    try:
        yield
    except Misuse as error:
        raise Misuse(f"{where}: {error}", hint=error.hint) from error


def text_of(named: str = "") -> str:
    """The TOML text of a shipped profile or of a file.

    Raises:
        Misuse: there is none.
    """
    named = named or DEFAULT
    if named in shipped():
        return (files("schemas") / "terms" / f"{named}.toml").read_text(encoding="utf-8")
    try:
        return Path(named).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Misuse(_missing(named, error), hint=f"shipped: {', '.join(shipped())}; or a file") from error


def _missing(named: str, error: Exception) -> str:
    """Why there are no terms of that name; what looks like a file was meant as one."""
    if not named.endswith(".toml") and "/" not in named:
        return f"There are no terms {named!r}."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"There is no file {named}."
    reason = error.strerror if isinstance(error, OSError) else error
    return f"The file {named} cannot be read: {reason}."
