"""What Custody finds in a simulated world is what the truth says."""

import pytest

from streams.profiles import checked
from streams.simulate.acts import Expired, Ordered
from streams.simulate.check import ORDINARY, Verdict
from streams.simulate.faults import FAULTS, HOUR, Fault, Wish
from streams.simulate.promises import TERMS, terms
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
    "report-bounced": "refused",
    "stranded": "overdue",
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


def test_who_is_told_of_a_failure_in_vain_is_not_told() -> None:
    """Where only what nobody was told of is found: each message whose notification reached nobody, and no other."""
    untold = checked(TERMS.replace("told_within", 'refused = "untold"\ntold_within'), "untold")
    wishes = tuple(Wish(fault=FAULTS[fault], rate=0.1) for fault in ("report-bounced", "loop"))
    played = simulate(4, 120, span=4 * HOUR, wishes=wishes)
    proof = Proof(terms=untold, partitions=2, every=240)
    verdict = proof.of(played)
    assert verdict.holds, verdict
    due = [one for name, one in proof.due(played).items() if name[0] == "refused"]
    assert {one.fault for one in due} == {"report-bounced"}
    assert len(due) == verdict.rows["report-bounced"].planted > 5
    assert verdict.rows["loop"].planted > 5
    ends = {type(act).__name__ for act in played.world.acts if isinstance(act, Expired | Ordered)}
    assert ends == {"Expired", "Ordered"}


def test_what_nothing_takes_up_is_unaccounted() -> None:
    """Each entry that was put in again: by name where its recipients were named, or not."""
    played = simulate(4, 60, span=4 * HOUR, wishes=(Wish(fault=FAULTS["stranded"], rate=0.2),))
    proof = Proof(terms=terms(), partitions=2, every=240)
    assert proof.of(played).holds
    due = [one for name, one in proof.due(played).items() if name[0] == "unaccounted"]
    assert {one.fault for one in due} == {"stranded"}
    assert len(due) == sum(one.fault == "stranded" for one in played.tickets) > 5


def test_a_day_with_everything_in_it() -> None:
    """Faults of messages and of places, all at once."""
    verdict = Proof(terms=terms(), partitions=2, every=60).of(simulate(11, 700))
    assert verdict.holds, verdict
