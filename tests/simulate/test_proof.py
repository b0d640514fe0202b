"""What Custody finds in a simulated world is what the truth says."""

import pytest

from streams.simulate.check import ORDINARY, Verdict
from streams.simulate.faults import FAULTS, HOUR, Fault, Wish
from streams.simulate.promises import terms
from streams.simulate.proof import Proof
from streams.simulate.stage import simulate

HARMLESS = {"id-missing", "id-invented", "report-early", "log-twice"}
"""Faults that Custody bears without an alarm."""

ALARMS = {name: fault for name, fault in FAULTS.items() if fault.of == "message" and name not in HARMLESS}
BEARABLE = {name: FAULTS[name] for name in sorted(HARMLESS) if FAULTS[name].of == "message"}
EXPLAINED = {
    "loop": "refused",
    "absent": "unread",
    "duplicate": "duplicate",
    "id-reused": "identity-reused",
    "report-forged": "uncorroborated-report",
    "misrouted": "misrouted",
    "report-lost": "overdue",
    "deleted": "deleted",
}
"""Rules that find a fault."""


def proved(*faults: Wish, seed: int = 1, messages: int = 60) -> Verdict:
    """Custody against the truth of four hours."""
    played = simulate(seed, messages, span=4 * HOUR, wishes=faults)
    return Proof(terms=terms(), partitions=1, every=240).of(played)


def test_without_faults_only_ordinary_things_are_found() -> None:
    """Addresses that nobody has, mail that nobody opens, a domain that never answers."""
    verdict = proved(messages=300)
    assert verdict.holds
    assert set(verdict.rows) <= {ORDINARY}


@pytest.mark.parametrize("fault", ALARMS.values(), ids=ALARMS)
def test_every_message_that_a_fault_befalls_is_found(fault: Fault) -> None:
    """Each in the truth at least once, found, and explained by what was done."""
    verdict = proved(Wish(fault=fault, rate=0.1))
    row = verdict.rows[fault.name]
    assert verdict.holds, verdict
    assert row.found >= row.planted > 0


@pytest.mark.parametrize(("fault", "rule"), EXPLAINED.items())
def test_no_explanation_will_do_but_that_of_what_was_done(fault: str, rule: str) -> None:
    """Whatever a rule finds of a message that only its own fault befell is to be called by its name."""
    played = simulate(1, 60, span=4 * HOUR, wishes=(Wish(fault=FAULTS[fault], rate=0.1),))
    causes = [one.cause for name, one in Proof(terms=terms()).due(played).items() if name[0] == rule]
    assert causes
    assert all(causes)


@pytest.mark.parametrize("fault", BEARABLE.values(), ids=BEARABLE)
def test_oddities_bring_no_alarm(fault: Fault) -> None:
    """A message without a Message-ID is followed all the same."""
    verdict = proved(Wish(fault=fault, rate=0.1))
    row = verdict.rows[fault.name]
    assert verdict.holds, verdict
    assert row.planted > row.found == 0


def test_a_day_with_everything_in_it() -> None:
    """Faults of messages and of places, all at once."""
    verdict = Proof(terms=terms(), partitions=2, every=60).of(simulate(11, 700))
    assert verdict.holds, verdict
