"""What receipts say of reads, and of nothing else."""

import pytest

from streams.simulate.acts import Entrant, Via
from streams.simulate.events import events
from streams.simulate.promises import terms
from streams.simulate.reading import Reading
from streams.simulate.tracking import alerts, log
from tests.simulate.worlds import READER, SECOND, Stage

HOUR = 3600
SLOW, DEPUTY = "slow@nowhere.example", "carol@beta.example"


def half_delivered(final: str) -> Stage:
    """A message to two: one opens it, somebody answers, and the origin tries the other for hours."""
    stage = Stage()
    first = stage.enter("alpha", READER, SLOW)
    fields = {"message_id": first.message_id, "sender": first.sender, "size": first.size}
    from_alpha = {"via": Via.SMTP, "client": "alpha", "address": "10.1.0.1", "recipients": (Entrant(to=READER),)}
    last = stage.enter("beta", **from_alpha, **fields)
    to_beta = {"relay": "beta", "address": "10.2.0.1", "reply": f"250 2.0.0 Ok: queued as {last.queue_id}"}
    stage.attempt(first, status="sent", dsn="2.0.0", next_id=last.queue_id, **to_beta)
    stage.attempt(first, SLOW)
    stage.open(stage.store(last))
    stage.leave(last)
    stage.receive(first, to=final)
    stage.later(3 * HOUR)
    stage.attempt(first, SLOW)
    stage.later(HOUR)
    return stage


@pytest.mark.parametrize("final", [READER, DEPUTY])
def test_whoever_answers_is_no_recipient_of_the_origin(final: str) -> None:
    """Only who waits there is stuck, though a deputy answers from an address that the origin never saw."""
    stage = half_delivered(final)
    reading = Reading(stage.world(until=stage.at + 60 * SECOND))
    found = alerts(log(reading.beats, events(reading)), terms())
    assert {alert["recipient"] for alert in found if alert["rule"] == "stuck"} == {SLOW}
