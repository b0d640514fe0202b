"""Documents that people write (TOML): terms, declarations, settings.

The library's parser raises what its own code raises for numbers that are too long or brackets that are too deep, and
takes a time that grows with the square of a key's parts; here, whatever is wrong is Misuse with a reason.
"""

import tomllib
from typing import Any

from streams.core.errors import Misuse

PARTS = 5_000
"""Dots of a line: keys have a few parts, lists of addresses some hundred."""


def toml(text: str) -> dict[str, Any]:
    """A TOML document.

    Raises:
        Misuse: it is none; the caller adds the place.
    """
    if any(line.count(".") > PARTS for line in text.split("\n")):
        raise Misuse("is not TOML: a line of too many parts.")
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise Misuse(f"is not TOML: {error}.") from error
    except RecursionError as error:
        raise Misuse("is not TOML: brackets too deep.") from error
