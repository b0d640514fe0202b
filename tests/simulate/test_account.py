"""The truth as a file: what happened to every message, and the verdict that the evidence allows."""

import json
from collections import Counter
from typing import Any

import pytest

from streams.simulate import account
from streams.simulate.faults import HOUR, wishes
from streams.simulate.promises import terms
from streams.simulate.proof import Proof
from streams.simulate.stage import Played, simulate

MANY = ("all", *(f"{name}=0.05" for name in ("lost-inside", "deleted", "held", "dropped", "report-lost", "twin-lost")))


@pytest.fixture(scope="module")
def played() -> Played:
    """Four hours in which much is lost."""
    return simulate(2, 200, span=4 * HOUR, wishes=wishes(MANY))


@pytest.fixture(scope="module")
def truth(played: Played, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """As it stands in the file."""
    path = tmp_path_factory.mktemp("truth") / account.TRUTH
    account.write(path, played, Proof(terms=terms()).due(played))
    read: dict[str, Any] = json.loads(path.read_bytes())
    return read


def recipients(truth: dict[str, Any], fault: str) -> list[dict[str, Any]]:
    """Of all mail that a fault befell."""
    mail = [message for message in truth["messages"] if message["fault"] == fault and message["kind"] == "mail"]
    return [one for message in mail for one in message["recipients"]]


def test_every_message_and_every_recipient_is_in_it(played: Played, truth: dict[str, Any]) -> None:
    """Reports and receipts too, each with what became of it."""
    kinds = Counter(ticket.kind for ticket in played.tickets)
    told = Counter(message["kind"] for message in truth["messages"] for _ in message["recipients"])
    assert told == kinds
    fates = {one["fate"] for message in truth["messages"] for one in message["recipients"]}
    assert fates >= {"stored", "handed out", "refused", "deleted", "lost", "on hold"}


@pytest.mark.parametrize(
    ("fault", "fate"),
    [("lost-inside", "lost"), ("twin-lost:second", "lost"), ("dropped", "lost"), ("deleted", "deleted"),
     ("held", "on hold"), ("report-lost", "stored"), ("twin-lost", "stored")],
)  # fmt: skip
def test_a_fault_has_its_fate(truth: dict[str, Any], fault: str, fate: str) -> None:
    """What befell it is what became of it, whatever its evidence says."""
    calm = [one for one in recipients(truth, fault) if not one["in_the_way"]]
    assert calm
    assert {one["fate"] for one in calm} == {fate}


def test_what_arrived_says_where_it_lies(truth: dict[str, Any]) -> None:
    """And when it was opened, reported and answered; a report that is lost was never reported."""
    lost = recipients(truth, "report-lost")
    assert all(one["stored"] and one["report_at"] is None for one in lost)
    fine = recipients(truth, "")
    assert any(one["stored"] and one["opened_at"] and one["report_at"] for one in fine)


def test_every_finding_that_is_due_is_in_it(played: Played, truth: dict[str, Any]) -> None:
    """As the table of --check counts them."""
    due = Proof(terms=terms()).due(played)
    assert len(truth["findings"]) == len(due) > 20
    assert {one["fault"] for one in truth["findings"]} >= {"lost-inside", "deleted", "held", "dropped"}
    assert [one["raised"] for one in truth["findings"]] == sorted(one["raised"] for one in truth["findings"])


def test_troubles_of_places_are_in_it(played: Played, truth: dict[str, Any]) -> None:
    """Hosts that were down, clocks that were wrong, evidence that was lost or late."""
    named = [one for one in truth["troubles"] if "fault" in one]
    assert [one["fault"] for one in named] == [fault for fault, *_ in played.planted]
    assert sum("evidence" in one for one in truth["troubles"]) == len(played.world.gaps)
