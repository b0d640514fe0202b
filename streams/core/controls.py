"""Characters that control a terminal, or hide what they stand in: no foreign text may move a cursor or hide a line."""

import unicodedata

_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories of them."""


def is_control(character: str) -> bool:
    """Is a character one of them."""
    return unicodedata.category(character) in _CONTROLS


def without_controls(text: str) -> str:
    """A text with a blank for each of them."""
    if text.isprintable():
        return text
    return "".join(" " if is_control(character) else character for character in text)
