"""Which texts name an address."""

import re

import pytest

from streams.core.errors import Misuse
from streams.warehouse.forget import pattern

CAROL = re.compile(pattern("Carol@dest.test"))


@pytest.mark.parametrize(
    "text",
    [
        "carol@dest.test",
        "to=<CAROL@dest.test>, relay=none",
        "rfc822;carol@dest.test",
        "recipient=carol@dest.test",
        "said to carol@dest.test.",
        "mailbox of carol@dest.test, on hold",
        "dave@dest.test,carol@dest.test,eve@dest.test",
        "carol@dest.test/INBOX",
    ],
)
def test_an_address_is_found_wherever_it_stands(text: str) -> None:
    """In any case, behind and before any sign that is no part of an address."""
    assert CAROL.search(text)


@pytest.mark.parametrize(
    "text",
    ["xcarol@dest.test", "j.carol@dest.test", "carol@dest.test.example", "carol@dest.testing", "carol@destXtest"],
)
def test_addresses_of_other_people_are_left_alone(text: str) -> None:
    """Those that only end or begin with it."""
    assert not CAROL.search(text)


@pytest.mark.parametrize("text", ["", "carol", "@dest.test", "carol@", "carol smith@dest.test", "%"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """Else a pattern could match everything."""
    with pytest.raises(Misuse):
        pattern(text)


def test_an_address_is_taken_as_copied() -> None:
    """What a log puts around it would make it another address, of which nothing is found."""
    assert pattern("to=<carol@dest.test>,") == pattern("carol@dest.test")
