"""What is asked by name is found, whatever its name is, in a ledger of many messages."""

import pytest

from streams.core.terms import Terms
from streams.settings import Settings
from streams.warehouse.named import CANDIDATES
from streams.warehouse.questions import Warehouse
from tests.core.journeys import TERMS, submitted
from tests.warehouse import large
from tests.warehouse.ledgers import Ledger

pytestmark = pytest.mark.service

MESSAGES, COPIES = 110, 3


@pytest.fixture(scope="module")
def warehouse(stack: Settings) -> Warehouse:
    """Some hundred messages, ten events each."""
    return Warehouse.of(large.made(stack, "large", messages=MESSAGES, copies=COPIES))


def keys(warehouse: Warehouse, named: str) -> list[str]:
    """The messages that a name could mean."""
    return [row["message_key"] for row in warehouse.candidates(named)]


def test_a_whole_id_means_one_message(warehouse: Warehouse) -> None:
    """With and without <>, though another id begins so."""
    assert keys(warehouse, "m5.2@origin.test") == ["m5.2@origin.test"]
    assert keys(warehouse, " <m5.2@origin.test> ") == ["m5.2@origin.test"]


def test_a_beginning_means_all_that_begin_so(warehouse: Warehouse) -> None:
    """The latest first; one of a few characters means none."""
    assert keys(warehouse, "m105.2@or…") == ["m105.2@origin.test"]
    assert keys(warehouse, "m105.") == []


def test_a_queue_id_means_its_message(warehouse: Warehouse) -> None:
    """Of any host on the way."""
    assert keys(warehouse, "A7c1") == keys(warehouse, "B7c1") == ["m7.1@origin.test"]


def test_a_recipient_means_all_their_messages(warehouse: Warehouse) -> None:
    """In any spelling, the latest first, at most as many as a person can choose from."""
    assert keys(warehouse, "USER9@dest.test") == [f"m9.{number}@origin.test" for number in (2, 1, 0)]
    busy = [f"m{number}.{copy}@origin.test" for copy in (2, 1, 0) for number in (100, 50, 0)]
    assert keys(warehouse, large.BUSY) == busy[:CANDIDATES]
    assert keys(warehouse, "nobody@dest.test") == []


def test_a_recipient_means_messages_that_are_not_derived_yet(stack: Settings) -> None:
    """Before the first derivation, after it, and what was fed since; where one partition has nothing but ticks, too."""
    fed = Ledger.made(stack, Terms.parse(TERMS), partitions=2)
    found: list[list[str]] = []
    for key in ("m", "n", "o", "p"):
        fed.write(submitted(len(found), "A1", key=key))
        found.append([key, *(found[-1] if found else [])])
        assert keys(Warehouse(fed.client), "Bob@dest.test") == found[-1]
        fed.tick(10)
        fed.derive()
        assert keys(Warehouse(fed.client), "bob@dest.test") == found[-1]


def test_a_candidate_is_told_with_its_parties(warehouse: Warehouse) -> None:
    """When it began, what its whole id is, from whom and to whom."""
    (row,) = warehouse.candidates("m9.1@origin.test")
    assert row["message_id"] == "<m9.1@origin.test>"
    assert row["originator"] == "al@origin.test"
    assert row["recipients"] == ["user9@dest.test"]


def test_a_sender_is_told_apart_from_none_and_from_one_that_is_not_known(stack: Settings) -> None:
    """The null sender is named by the evidence, too."""
    fed = Ledger.made(stack, Terms.parse(TERMS))
    for key, originator in (("a", None), ("b", ""), ("c", "al@origin.test")):
        fed.write(submitted(0, f"A{key}", key=key, message_id=f"<{key}>", originator=originator))
    fed.write(submitted(0, "Ac", key="c", message_id="<c>", originator=""))
    asked = Warehouse(fed.client)
    found = [asked.candidates(f"A{key}")[0]["originator"] for key in ("a", "b", "c")]
    assert found == [None, "", "al@origin.test"]


def test_a_clock_knows_its_sources(warehouse: Warehouse) -> None:
    """The last tick, and how many sources there are."""
    clock = warehouse.clock()
    assert clock["through"].timestamp() == large.START + COPIES * MESSAGES * large.EVERY
    assert clock["sources"] == 1
