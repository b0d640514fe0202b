"""Who got a message, and why: by an operator's table, or as the systems say."""

from typing import Any

import msgspec
import pytest

from streams.simulate.acts import Agent, Entered, Entrant, Via
from streams.simulate.events import events
from streams.simulate.promises import terms
from streams.simulate.queueids import session_id
from streams.simulate.reading import Reading
from streams.simulate.tracking import alerts, log
from tests.simulate.worlds import READER, Stage

WRONG, DEPUTY = "yan@beta.example", "zoe@beta.example"


def rules(stage: Stage) -> set[str]:
    """What is found of a stage, an hour later."""
    stage.later(3600)
    reading = Reading(stage.world())
    return {alert["rule"] for alert in alerts(log(reading.beats, events(reading)), terms())}


def hand_over(stage: Stage, first: Entered, to: str = READER, **fields: Any) -> Entered:
    """Beta takes a message from alpha for somebody."""
    given = {"message_id": first.message_id, "sender": first.sender, "size": first.size} | fields
    from_alpha = {"via": Via.SMTP, "client": "alpha", "address": "10.1.0.1", "recipients": (Entrant(to=to),)}
    last = stage.enter("beta", **from_alpha, **given)
    reply = f"250 2.0.0 Ok: queued as {last.queue_id}"
    to_beta = {"relay": "beta", "address": "10.2.0.1", "reply": reply}
    stage.attempt(first, status="sent", dsn="2.0.0", next_id=last.queue_id, **to_beta)
    return last


def deliver(stage: Stage, first: Entered, last: Entered, to: str, orig_to: str = "") -> None:
    """Beta puts it into somebody's mailbox, and says so."""
    session = session_id(stage.chance)
    to_store = {"relay": "store", "address": "10.2.0.2", "reply": f"250 2.0.0 <{to}> {session} Saved"}
    stage.attempt(last, to, orig_to=orig_to, agent=Agent.LMTP, status="sent", dsn="2.0.0", session=session, **to_store)
    told = stage.report(first, last)
    final = msgspec.structs.replace(told.told[0], final=to)
    stage.acts[-1] = msgspec.structs.replace(told, told=(final,), message_id=last.message_id)


@pytest.mark.parametrize("delivered", [WRONG, DEPUTY])
def test_a_misrouted_message_is_found(delivered: str) -> None:
    """By its report, which names somebody else: a redirection of whoever got it is not the reason why they did."""
    stage = Stage()
    first = stage.enter()
    last = hand_over(stage, first, WRONG)
    deliver(stage, first, last, delivered, "" if delivered == WRONG else WRONG)
    assert "misrouted" in rules(stage)


@pytest.mark.parametrize("invented", [False, True])
def test_an_alternate_recipient_gets_what_is_theirs(invented: bool) -> None:  # noqa: FBT001 - a case of two
    """Nothing is misrouted, also where a switch on the way invents the Message-ID, so that it stands under two keys."""
    stage = Stage()
    first = stage.enter(message_id="") if invented else stage.enter()
    last = hand_over(stage, first, **({"message_id": ""} if invented else {}))
    if invented:
        last = msgspec.structs.replace(last, message_id=f"<{last.queue_id}@mx.beta.example>")
        stage.acts[1] = last
    deliver(stage, first, last, DEPUTY, READER)
    assert "misrouted" not in rules(stage)


def test_what_a_host_does_that_nobody_hears_is_not_misrouting() -> None:
    """Its report names another recipient; why, its own log would have said."""
    stage = Stage()
    first = stage.enter()
    last = hand_over(stage, first)
    deliver(stage, first, last, DEPUTY)
    stage.acts = [act for act in stage.acts if act.host != "beta"]
    assert "misrouted" not in rules(stage)
