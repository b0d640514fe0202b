"""Which texts name somebody, as the engine reads the expression."""

import unicodedata
from typing import Any

import pytest

from streams.core.errors import Misuse
from streams.settings import Settings
from streams.warehouse.addresses import pattern, pseudonym, quoted, within
from streams.warehouse.client import ask, connect


@pytest.fixture(scope="module")
def client(stack: Settings) -> Any:
    """Of the engine, whose expressions are RE2's."""
    return connect(stack, database=False)


def is_named(client: Any, wanted: str, text: str) -> bool:
    """Does the engine find it."""
    (row,) = ask(client, "SELECT match({t:String}, {p:String}) AS found", {"t": text, "p": wanted})
    return bool(row["found"])


@pytest.mark.service
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
        "/carol@dest.test",
        "'carol@dest.test', `carol@dest.test`",
        "«carol@dest.test»",
        "user='carol@dest.test'",
        "orcpt=rfc822;carol+40dest.test",
        "orcpt=rfc822;carol+40dest+2Etest",
        '<"carol"@dest.test>',
        r'{"to": "\"carol\"@dest.test"}',
    ],
)
def test_an_address_is_found_wherever_it_stands(client: Any, text: str) -> None:
    """In any case and spelling, behind and before any sign that is no part of an address."""
    assert is_named(client, pattern("Carol@dest.test"), text)


@pytest.mark.service
@pytest.mark.parametrize(
    "text",
    [
        "xcarol@dest.test",
        "j.carol@dest.test",
        "carol@dest.test.example",
        "carol@dest.testing",
        "carol@destXtest",
        "o'carol@dest.test",
        "a/carol@dest.test",
        "a{carol@dest.test",
        "é'carol@dest.test",
        "écarol@dest.test",
        "e\u0301carol@dest.test",
        "carol@dest.testé",
        '"j carol"@dest.test',
    ],
)
def test_addresses_of_other_people_are_left_alone(client: Any, text: str) -> None:
    """Those that only end or begin with it; a sign of a local part goes with the letter before it."""
    assert not is_named(client, pattern("carol@dest.test"), text)


@pytest.mark.service
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("stored in /var/mail/carol@dest.test/INBOX", "/var/mail/carol@dest.test"),
        ("sendmail -fcarol@dest.test", "-fcarol@dest.test"),
        ("orcpt=+3Ccarol@dest.test+3E", "orcpt=+3Ccarol@dest.test"),
        ("GET /?to=carol%40dest.test", "/?to=carol%40dest.test"),
        ("=3Ccarol=40dest=2Etest=3E", "=3Ccarol=40dest=2Etest"),
        ("from ...Carol@dest.test...", "...Carol@dest.test"),
        ("<xcarol@dest.test>", "xcarol@dest.test"),
        ("o'carol@dest.test", "o'carol@dest.test"),
        ("écarol@dest.test", "écarol@dest.test"),
        ("carol@dest.test-", "carol@dest.test"),
    ],
)
def test_a_word_that_ends_in_an_address_is_seen(client: Any, text: str, word: str) -> None:
    """Whose it is cannot be told: it is left alone, and not in silence."""
    assert not is_named(client, pattern("carol@dest.test"), text)
    (row,) = ask(
        client, "SELECT extractAll({t:String}, {p:String}) AS words", {"t": text, "p": within("carol@dest.test")}
    )
    assert row["words"] == [word]


@pytest.mark.service
@pytest.mark.parametrize(
    "text", ["carol@dest.test.example", "carol@dest.testing", "carol@destXtest", "carol@dest.test-x"]
)
def test_another_domain_is_no_address_of_theirs(client: Any, text: str) -> None:
    """Nor is it said to be, whatever stands before."""
    assert not is_named(client, within("carol@dest.test"), text)


@pytest.mark.service
@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("jürgen@d.test", "to=<Jürgen@d.test>"),
        ("JÜRGEN@d.test", "to=<jürgen@d.test>"),
        ("jürgen@d.test", unicodedata.normalize("NFD", "to=<jürgen@d.test>")),
        ("zoe@münchen.test", "<zoe@münchen.test>"),
        ("da+ve=x@d.test", "rfc822;da+2Bve+3Dx@d.test"),
        ('"carol"@d.test', "to=<carol@d.test>"),
        ('"carol smith"@d.test', 'to=<"Carol Smith"@d.test>'),
        ("a_b.c-d!e@[192.0.2.1]", "to=<a_b.c-d!e@[192.0.2.1]>"),
    ],
)
def test_an_address_may_have_letters_and_signs_of_all_kinds(client: Any, named: str, text: str) -> None:
    """Beyond ASCII, in quotes, and those that an expression has a meaning for."""
    assert is_named(client, pattern(named), text)


@pytest.mark.service
@pytest.mark.parametrize("name", ["carol", "carol smith@dest.test", "/C=XX/ADMD=ICAO/O=AFTN/OU1=LEMDYYYX/", "%", "@d"])
def test_a_name_that_is_no_address_is_the_whole_of_a_text(client: Any, name: str) -> None:
    """In the middle of one it could be anything."""
    assert is_named(client, pattern(name), name.upper())
    assert not is_named(client, pattern(name), f"said {name}")
    assert not is_named(client, pattern(name), f"{name}, too")
    assert is_named(client, quoted(name), f'mailboxes = ["{name}"]')
    assert not is_named(client, quoted(name), f'mailboxes = ["not {name}"]')


@pytest.mark.service
@pytest.mark.parametrize(
    ("name", "text", "domain"), [("carol@Dest.test", "to=<carol@dest.test>,", "@dest.test"), ("carol", "carol", "")]
)
def test_a_pseudonym_takes_its_place_alone(client: Any, name: str, text: str, domain: str) -> None:
    """What stands around it stays, and its domain."""
    asked = "SELECT replaceRegexpAll({t:String}, {p:String}, {r:String}) AS said"
    (row,) = ask(client, asked, {"t": text, "p": pattern(name), "r": (instead := pseudonym(name))})
    made = instead.removeprefix(r"\1").removesuffix(r"\2")
    assert made.startswith("forgotten-")
    assert made.endswith(domain)
    assert row["said"] == text.replace(f"carol{domain}", made)


@pytest.mark.parametrize("text", ["", "  ", "<>"])
def test_what_names_nobody_is_refused(text: str) -> None:
    """Else an expression could find everything."""
    with pytest.raises(Misuse):
        pattern(text)


def test_an_address_is_taken_as_copied() -> None:
    """What a log puts around it would make it another address, of which nothing is found."""
    assert pattern("to=<carol@dest.test>,") == pattern("carol@dest.test")
