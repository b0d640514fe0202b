"""A simulated network in which things reach nobody: stream and SQL say the same of it, and what is true."""

import pytest

from streams.core.terms import SECOND
from streams.profiles import checked
from streams.settings import Settings
from streams.simulate.acts import Ordered
from streams.simulate.events import events
from streams.simulate.faults import FAULTS, HOUR, Wish
from streams.simulate.letters import MAIL
from streams.simulate.promises import TERMS
from streams.simulate.reading import Reading
from streams.simulate.stage import simulate
from tests.warehouse.ledgers import Ledger, assert_agree

pytestmark = pytest.mark.service

EVERY = HOUR // 2
"""Microseconds between ticks."""


def test_what_nobody_was_told_of_is_found_by_both(stack: Settings) -> None:
    """Each refusal whose notification reached nobody, and none of those that were told; and what nothing took up."""
    wishes = tuple(Wish(fault=FAULTS[fault], rate=0.1) for fault in ("report-bounced", "loop", "stranded"))
    played = simulate(4, 120, span=4 * HOUR, wishes=wishes)
    terms = checked(TERMS.replace("told_within", 'refused = "untold"\ntold_within'), "untold")
    both = Ledger.made(stack, terms, partitions=2)
    told = list(events(Reading(played.world)))
    for since in range(played.world.since, played.world.until, EVERY):
        both.write(one for at, some in told if since <= at < since + EVERY for one in some)
        both.tick((since + EVERY) / SECOND)
    both.derive()
    assert_agree(both)
    mails = [one for one in played.tickets if one.kind == MAIL]
    befallen = {(one.host, one.queue_id) for one in mails if one.fault == "report-bounced"}
    rows = both.ask("SELECT host, queue_id FROM alarms WHERE rule = 'refused'")
    assert len(rows) == len(befallen) > 5
    assert {(row["host"], row["queue_id"]) for row in rows} == befallen
    acts = [
        (act, marks) for act, marks in zip(played.world.acts, played.marks, strict=True) if isinstance(act, Ordered)
    ]
    lost = {act.queue_id for act, marks in acts if played.tickets[marks[0]].fault == "stranded"}
    standing = both.ask("SELECT queue_id FROM alarms WHERE rule = 'unaccounted' AND cleared_at IS NULL")
    assert len(lost) > 5
    assert {row["queue_id"] for row in standing} >= lost
    classes = both.ask("SELECT class FROM custody WHERE unit IN (SELECT unit FROM alarms WHERE rule = 'refused')")
    assert {row["class"] for row in classes} <= {"refused_by_us", "not_yet_due"}
