"""Text of others on our screens: it says what it says, and does nothing."""

from streams.core.controls import without_controls


def test_foreign_text_controls_no_terminal() -> None:
    """What moves a cursor, ends a line or turns the direction of writing is a blank; any other text stays."""
    assert without_controls("a\x1b[2Jb\r\nc\u202ed\u2028e") == "a [2Jb  c d e"
    assert without_controls("Grüße, 東京 \u00a0!") == "Grüße, 東京 \u00a0!"
