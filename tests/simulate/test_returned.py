"""A notification that local(8) forwards: what the simulation tells of it."""

from typing import Any

import pytest

from streams.simulate.acts import Agent, Entered, Entrant, Left, Notice, Noticed, Via
from streams.simulate.dossier import NEVER, Dossier
from streams.simulate.events import events
from streams.simulate.reading import Reading
from streams.simulate.stage import Played
from tests.simulate.worlds import SENDER, Stage

BOUNCED: dict[str, Any] = {"status": "bounced", "dsn": "5.1.1", "reply": "unknown"}
HOME = "ann@home.example"


def returned(*, kept: bool) -> tuple[Stage, Entered]:
    """A refusal whose notification is forwarded to an address that refuses it, with or without a copy kept."""
    stage = Stage()
    first = stage.enter()
    stage.attempt(first, **BOUNCED)
    notice = stage.notify(first, Notice.FAILED)
    stage.leave(first)
    if kept:
        stage.store(notice, SENDER)
    whom = (Entrant(to=HOME),)
    local: dict[str, Any] = {"message_id": notice.message_id, "sender": "", "client": "", "address": ""}
    made = stage.enter(via=Via.FORWARD, parent=notice.queue_id, recipients=whom, **local)
    words = f"forwarded as {made.queue_id}"
    how: dict[str, Any] = {"agent": Agent.LOCAL, "relay": "local", "next_id": made.queue_id}
    stage.attempt(notice, SENDER, status="sent", dsn="2.0.0", reply=words, **how)
    stage.leave(notice)
    stage.attempt(made, HOME, **BOUNCED)
    stage.leave(made)
    return stage, first


@pytest.mark.parametrize("kept", [True, False])
def test_a_copy_that_was_kept_told_the_originator(kept: bool) -> None:  # noqa: FBT001 - a case of two
    """Its events and its dossier say that it was undelivered only where nobody was given it."""
    stage, first = returned(kept=kept)
    reading = Reading(stage.world())
    told = [event for _, some in events(reading) for event in some if event.action == "undelivered"]
    number = next(act.notice_id for act in stage.acts if isinstance(act, Noticed))
    assert [one.next_queue_id for one in told] == ([] if kept else [number])
    missed = dossier(stage, reading).files[first.host, first.queue_id].missed
    assert [one for one, known in missed.items() if known != NEVER] == ([] if kept else [number])


def dossier(stage: Stage, reading: Reading) -> Dossier:
    """Its dossier, all of one ticket."""
    ticket: Any = None
    marks = tuple(() if isinstance(act, Left) else (0,) for act in stage.acts)
    return Dossier(Played(world=stage.world(), tickets=(ticket,), marks=marks, planted=(), network=ticket), reading)
