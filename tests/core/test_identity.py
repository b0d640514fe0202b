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
