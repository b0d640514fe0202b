"""What a person copied names what it was copied from."""

from typing import Any, NamedTuple

import pytest

from streams.core.errors import Misuse
from streams.core.identity import mts_key
from streams.warehouse import named
from streams.warehouse.questions import Warehouse

CAROL = [
    "Carol@dest.test",
    "<Carol@dest.test>",
    "to=<Carol@dest.test>,",
    "  To: <Carol@dest.test>; ",
    "<Carol@dest.test",
]
ORIG = "orig_to=<Carol@dest.test>,"
QUEUE = ["4jYMZL52lmz1TCJ3", "4jYMZL52lmz1TCJ3:", " 4jYMZL52lmz1TCJ3: ", "4jYMZL52lmz1TCJ3,"]
IDS = ["m1@origin.test", "<m1@origin.test>", "message-id=<m1@origin.test>", "msgid=<m1@origin.test>:"]
IDS += ["Message-ID: <m1@origin.test>", "m1@origin.test…"]
NOTHING = ["", "  ", "<>", "to=<>,", ":", "…"]


class Result(NamedTuple):
    """An answer without rows."""

    column_names: tuple[str, ...] = ()
    result_rows: tuple[tuple[Any, ...], ...] = ()


class Client:
    """An engine that finds nothing, and keeps what it was asked with."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked: list[dict[str, str]] = []

    def query(self, _question: str, parameters: dict[str, str]) -> Result:
        """Nothing is found."""
        self.asked.append(parameters)
        return Result()


@pytest.mark.parametrize("copied", [*CAROL, ORIG])
def test_an_address_is_taken_out_of_what_a_log_puts_around_it(copied: str) -> None:
    """Its label, brackets and what stands behind it are no part of it."""
    assert named.bare(copied) == "Carol@dest.test"
    assert named.recipient(copied) == {"lower": "carol@dest.test"}


@pytest.mark.parametrize("copied", QUEUE)
def test_a_queue_id_is_taken_with_its_colon(copied: str) -> None:
    """As it stands at the beginning of a line."""
    assert named.message(copied)["named"] == "4jYMZL52lmz1TCJ3"


@pytest.mark.parametrize("copied", IDS)
def test_a_message_id_is_taken_with_its_label(copied: str) -> None:
    """As Postfix, Dovecot, a mail or a screen has it."""
    assert named.message(copied)["key"] == "m1@origin.test"


def test_what_stands_within_brackets_is_part_of_an_id() -> None:
    """Labels and signs are left out around them only."""
    assert named.bare("<to=m1:>") == "to=m1:"
    assert named.bare("today@origin.test") == "today@origin.test"
    assert named.bare("[/PRMD=LOCAL/ADMD=ICAO/C=XX/;A.1]") == "[/PRMD=LOCAL/ADMD=ICAO/C=XX/;A.1]"


@pytest.mark.parametrize("copied", NOTHING)
def test_the_empty_text_names_nothing(copied: str) -> None:
    """It would be said of every event without a queue id."""
    client = Client()
    with pytest.raises(Misuse, match="names no message"):
        Warehouse(client).candidates(copied)
    with pytest.raises(Misuse, match="names no message"):
        Warehouse(client).units(copied, "carol@dest.test")
    with pytest.raises(Misuse, match="names no recipient"):
        Warehouse(client).units("m1@origin.test", copied)
    assert not client.asked


@pytest.mark.parametrize("copied", CAROL)
def test_a_message_is_looked_for_by_what_is_named(copied: str) -> None:
    """As a whole id first, then by its beginning, as a queue id and as a recipient."""
    client = Client()
    assert Warehouse(client).candidates(copied) == []
    plain = {"key": "Carol@dest.test", "named": "Carol@dest.test", "lower": "carol@dest.test"}
    most = {"limit": str(named.CANDIDATES)}
    assert client.asked == [{"key": plain["key"]} | most, plain | most]


@pytest.mark.parametrize("copied", ["x" * 3000, "ü" * 201, "\udc80" * 200, f"<{'x' * 401}>"])
def test_what_is_longer_than_an_id_may_be_is_refused(copied: str) -> None:
    """And the engine is not asked: what it would say of such a question helps nobody."""
    client = Client()
    for ask in (Warehouse(client).candidates, lambda one: Warehouse(client).units("m1@origin.test", one)):
        with pytest.raises(Misuse, match="characters are too long"):
            ask(copied)
    assert not client.asked
    assert named.message(f" <{'x' * 400}>,")["named"] == "x" * 400


def test_an_mts_identifier_is_looked_for_by_its_key() -> None:
    """Whole, as a log has it; what a screen shows of a long one is the key itself."""
    mts = "[/PRMD=EUROCONTROL-NET1/ADMD=ICAO-COMMUNITY-1/C=XX/;MTA-NORTH-261123090000010000Z]"
    key = mts_key(mts)
    assert named.message(mts) == {"key": key, "named": mts}
    assert named.message(key)["key"] == key


def test_an_id_of_ours_is_looked_for_where_nothing_else_is_meant() -> None:
    """Of six hexadecimal characters or more, in any case, and no longer than one is."""
    client = Client()
    assert Warehouse(client).candidates("00FFAA11", limit=500) == []
    assert client.asked[-1] == {"number": "00ffaa11", "limit": "500"}
    for other in ("00ffa", "00ffaa1g", "0" * 33, "00ffaa11@dest.test"):
        assert named.number(other) == {}


def test_a_unit_is_looked_for_by_what_is_named() -> None:
    """A discharge takes a line's words as a trace does."""
    client = Client()
    Warehouse(client).units("4jYMZL52lmz1TCJ3:", "to=<Carol@dest.test>,")
    assert client.asked == [{"key": "4jYMZL52lmz1TCJ3", "named": "4jYMZL52lmz1TCJ3", "lower": "carol@dest.test"}]


def test_a_key_made_of_a_queue_id_is_taken_as_screens_show_it() -> None:
    """A Message-ID that begins with a slash has another key."""
    assert named.message("/relay/4jABC")["key"] == "/relay/4jABC"
    assert named.message("</relay/4jABC>")["key"] == "relay/4jABC"
