"""How things are named."""

import pytest

from streams.core import identity


def test_key_ignores_brackets_folding_and_dovecots_cut() -> None:
    """Postfix, Dovecot and a report name one message in different ways; the key is one."""
    long = "<" + "L" * 300 + "@origin.test>"
    assert identity.message_key("<a@x>") == identity.message_key("a@x") == identity.message_key("<a@\tx>")
    assert identity.message_key("<folded? -id@x>") == identity.message_key("<folded -id@x>")
    assert identity.message_key(long) == identity.message_key(long[:77] + "...")


def test_no_message_id_looks_like_a_key_of_a_queue_entry() -> None:
    """Whoever writes a Message-ID could hide a loss so, or make two messages one."""
    key = identity.message_key("</origin/4jYLmm3NjKz1TC2l>")
    assert key == "origin/4jYLmm3NjKz1TC2l"
    assert identity.message_key("<//>", "origin", "A1") == "/origin/A1"
    assert identity.message_key("</<a@x>>") == "a@x"


def test_key_of_a_message_without_id_is_its_queue_entry() -> None:
    """An empty Message-ID falls back to the queue id, in the fixed partition."""
    key = identity.message_key("<>", "origin", "4jYLmm3NjKz1TC2l")
    assert key == "/origin/4jYLmm3NjKz1TC2l"
    assert identity.partition_of(key, 8) == identity.FIXED_PARTITION
    with pytest.raises(ValueError, match="queue id"):
        identity.message_key("", "origin")


def test_same_fact_from_journal_and_file_is_one() -> None:
    """A journal says microseconds, a file whole seconds."""
    one = identity.fact_id("deferred", "relay/Q1", "Bob@x", 1_700_000_000_123_456, "4.4.1")
    assert one == identity.fact_id("deferred", "relay/Q1", "bob@x", 1_700_000_000_000_000, "4.4.1")
    assert one != identity.fact_id("deferred", "relay/Q1", "bob@x", 1_700_000_000_000_000, "4.4.1", 1)


LONG = "[/PRMD=EUROCONTROL-NET1/ADMD=ICAO-COMMUNITY-1/C=XX/;MTA-NORTH-2611230900000{}00Z]"
"""X.411: a country of 3, an ADMD and a PRMD of 16, a local identifier of 32 characters; as RFC 2156 writes it."""


def test_long_mts_identifiers_that_differ_at_their_end_are_two() -> None:
    """A key has room for a Message-ID as Dovecot cuts it, not for every MTS-identifier; none that fits changes."""
    one, two = (identity.mts_key(LONG.format(number)) for number in (1, 2))
    assert one != two
    assert one[:50] == two[:50] == LONG[:50]
    assert len(one) == identity.KEY_LENGTH
    assert identity.mts_key("[/C=XX/ADMD=I/;A.1]") == "[/C=XX/ADMD=I/;A.1]"
    fits = "[/C=XX/;" + "x" * (identity.KEY_LENGTH - 9) + "]"
    assert identity.mts_key(fits) == identity.message_key(fits) == fits


@pytest.mark.parametrize(
    "text", [LONG.format(1), "c=US;a=ADMINISTRATION16;p=PRIVATE-DOMAIN-1;l=MSG05INT-000128154450Z-35477" + "x" * 12]
)
def test_an_mts_identifier_that_is_named_as_a_key_has_the_same(text: str) -> None:
    """As RFC 2156 writes it, and as Exchange does: a Message-ID has no `;`. A key that was made stays as it is."""
    key = identity.mts_key(text)
    assert identity.named_key(text) == identity.named_key(f"<{text}>") == key
    assert identity.named_key(key) == identity.mts_key(key) == identity.message_key(key) == key
    long = "<" + "L" * 300 + "@origin.test>"
    assert identity.named_key(long) == identity.message_key(long)
    with pytest.raises(ValueError, match="queue id"):
        identity.named_key("<>")


def test_an_mts_identifier_that_names_nothing_is_none() -> None:
    """What is left of it names no message."""
    assert identity.mts_key("<>") == ""
