"""Addresses in what comes back that no queue ever had: a report may name its recipient as a later host calls them."""

from pathlib import Path

import msgspec
import pytest

from streams.collect.sources import read
from streams.simulate.acts import Entered
from streams.simulate.events import events
from streams.simulate.promises import terms
from streams.simulate.readback import Readback
from streams.simulate.reading import Reading
from streams.simulate.tracking import alerts, log
from tests.simulate.test_reads import SLOW, half_delivered
from tests.simulate.worlds import READER, Stage, write

DEPUTY, ALIAS = "carol@beta.example", "robert@old.example"
HOUR = 3600


def half_reported(final: str, original: str) -> Stage:
    """A message to two: one has it, says a report that calls them something; the origin tries the other for hours."""
    stage = half_delivered(READER)
    first, last = (act for act in stage.acts if isinstance(act, Entered) and act.sender)
    told = stage.report(first, last)
    named = msgspec.structs.replace(told.told[0], final=final, original=original)
    stage.acts[-1] = msgspec.structs.replace(told, told=(named,))
    stage.later(3 * HOUR)
    return stage


@pytest.mark.parametrize(("final", "original"), [(READER, ""), (DEPUTY, ""), (DEPUTY, ALIAS)])
def test_whoever_a_report_names_is_no_recipient_of_the_origin(final: str, original: str, tmp_path: Path) -> None:
    """Only who waits there is stuck, by acts and by logs and mails alike."""
    reading = Reading(half_reported(final, original).world())
    write(reading.world, tmp_path)
    played = Readback(tmp_path, read(tmp_path / "sources.toml"))
    for told in (events(reading), [(at, some) for at, some in played.batches()]):
        found = alerts(log(reading.beats, told), terms())
        assert {one["recipient"] for one in found if one["rule"] == "stuck" and one["host"] == "alpha"} == {SLOW}
