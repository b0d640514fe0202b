"""What becomes of the notifications that Postfix issues: where one reaches nobody, that is told of what it is about."""

import pytest

from streams.core.events import Kind, MessageEvent
from streams.core.identity import leg_of
from tests.collect.postfix_logs import ACTIVE, CLIENT, NAMED, OBSERVED, Q1, Q2, Q3, log_of, of, parser, pieces, told

Q4 = "4jYLmp4f7fz1TCJl"
BOUNCED = (
    f"postfix/smtp[10]: {Q1}: to=<c@dest.test>, relay=none, delay=1, delays=0/0/1/0, dsn=5.1.1, status=bounced (no)"
)
ISSUED = f"postfix/bounce[3]: {Q1}: sender non-delivery notification: {Q2}"
MADE = f"postfix/cleanup[8]: {Q2}: message-id=<{Q2}@origin.test>"
REMOVED = "postfix/qmgr[9]: {}: removed"
HEAD = (CLIENT, NAMED, ACTIVE, BOUNCED, MADE, ISSUED, REMOVED.format(Q1))


def active(queue_id: str, count: int = 1) -> str:
    """Qmgr takes a notification up."""
    return f"postfix/qmgr[9]: {queue_id}: from=<>, size=2000, nrcpt={count} (queue active)"


def attempt(queue_id: str, status: str, to: str = "alice@origin.test", *, agent: str = "lmtp") -> str:
    """A delivery agent's line about a notification."""
    said = f"to=<{to}>, relay=none, delay=1, delays=0/0/1/0, dsn=5.0.0, status={status}"
    return f"postfix/{agent}[11]: {queue_id}: {said}"


COPIED = (
    f"postfix/cleanup[8]: {Q3}: message-id=<{Q2}@origin.test>",
    attempt(Q2, f"sent (forwarded as {Q3})", agent="local"),
)
COPY_BOUNCED = (attempt(Q3, "bounced (no)", "al@else.test", agent="smtp"), REMOVED.format(Q3))
COPY_AGAIN = (
    active(Q2, 2),
    *COPIED,
    active(Q3, 2),
    COPY_BOUNCED[0],
    attempt(Q3, "deferred (x)", "b@else.test"),
    f"postfix/postsuper[5]: {Q3}: requeued",
    f"postfix/pickup[6]: {Q4}: uid=102 from=<> orig_id={Q3}",
    f"postfix/cleanup[8]: {Q4}: message-id=<{Q2}@origin.test>",
    active(Q4),
    attempt(Q2, "bounced (no)", "bob@origin.test"),
    REMOVED.format(Q2),
)
KEPT = attempt(Q2, "sent (delivered to maildir)", agent="local")
BOB = attempt(Q2, "sent (250 2.0.0 <a> s1 Saved)", "bob@origin.test")

ENDS = {
    "bounced": (active(Q2), attempt(Q2, "bounced (mailbox full)"), REMOVED.format(Q2)),
    "expired": (
        active(Q2),
        attempt(Q2, "deferred (mailbox full)"),
        f"postfix/qmgr[9]: {Q2}: from=<>, status=expired, returned to sender",
        REMOVED.format(Q2),
    ),
    "forced": (
        active(Q2),
        f"postfix/postsuper[5]: {Q2}: expired",
        f"postfix/qmgr[9]: {Q2}: from=<>, status=force-expired, returned to sender",
        REMOVED.format(Q2),
    ),
    "deleted": (active(Q2), attempt(Q2, "deferred (x)"), f"postfix/postsuper[5]: {Q2}: removed"),
    "untried": (active(Q2), f"postfix/postsuper[5]: {Q2}: removed"),
    "discarded": (active(Q2), attempt(Q2, "sent (discarded)", agent="discard"), REMOVED.format(Q2)),
    "thrown": (active(Q2), attempt(Q2, "sent (250 2.7.0 Ok, discarded)", agent="smtp"), REMOVED.format(Q2)),
    "members": (
        active(Q2, 2),
        attempt(Q2, "bounced (no)"),
        attempt(Q2, "bounced (no)", "bob@origin.test"),
        REMOVED.format(Q2),
    ),
    "again": (
        active(Q2),
        attempt(Q2, "deferred (x)"),
        f"postfix/postsuper[5]: {Q2}: requeued",
        f"postfix/pickup[6]: {Q3}: uid=102 from=<> orig_id={Q2}",
        f"postfix/cleanup[8]: {Q3}: message-id=<{Q2}@origin.test>",
        active(Q3),
        attempt(Q3, "bounced (no)"),
        REMOVED.format(Q3),
    ),
    "forwarded": (active(Q2), *COPIED, REMOVED.format(Q2), active(Q3), *COPY_BOUNCED),
    "forwarded, which failed first": (active(Q2), *COPIED, active(Q3), *COPY_BOUNCED, REMOVED.format(Q2)),
    "forwarded, which is told last": (active(Q2), COPIED[0], REMOVED.format(Q2), active(Q3), *COPY_BOUNCED, COPIED[1]),
    "forwarded, then put in again": (*COPY_AGAIN, attempt(Q4, "bounced (no)", "b@else.test"), REMOVED.format(Q4)),
    "forwarded for one of two": (
        active(Q2, 2),
        *COPIED,
        attempt(Q2, "deferred (x)", "bob@origin.test"),
        active(Q3),
        *COPY_BOUNCED,
        attempt(Q2, "bounced (no)", "bob@origin.test"),
        REMOVED.format(Q2),
    ),
}
"""How a notification may end that reaches nobody."""

STANDS = {
    "delivered": (active(Q2), attempt(Q2, "sent (250 2.0.0 <a> s1 Saved)"), REMOVED.format(Q2)),
    "handed on": (active(Q2), attempt(Q2, f"sent (250 Ok: queued as {Q3})", agent="smtp"), REMOVED.format(Q2)),
    "one of two": (
        active(Q2, 2),
        attempt(Q2, "bounced (no)"),
        attempt(Q2, "sent (250 2.0.0 <a> s1 Saved)", "bob@origin.test"),
        REMOVED.format(Q2),
    ),
    "deferred": (active(Q2), attempt(Q2, "deferred (x)")),
    "unsaid": (active(Q2), REMOVED.format(Q2)),
    "deleted after all": (
        active(Q2),
        attempt(Q2, "sent (250 2.0.0 <a> s1 Saved)"),
        REMOVED.format(Q2),
        f"postfix/postsuper[5]: {Q2}: removed",
    ),
    "a copy kept": (active(Q2), KEPT, *COPIED, REMOVED.format(Q2), active(Q3), *COPY_BOUNCED),
    "a copy kept later": (active(Q2, 2), *COPIED, active(Q3), BOB, REMOVED.format(Q2), *COPY_BOUNCED),
    "a copy kept after all": (active(Q2, 2), *COPIED, active(Q3), *COPY_BOUNCED, BOB, REMOVED.format(Q2)),
    "a copy kept, told last": (active(Q2, 2), *COPIED, active(Q3), REMOVED.format(Q2), BOB, *COPY_BOUNCED),
    "forwarded, the other bounced": (active(Q2, 2), *COPIED, attempt(Q2, "bounced (no)", "bob@x"), REMOVED.format(Q2)),
    "forwarded to two": (
        active(Q2, 2),
        *COPIED,
        *(line.replace(Q3, Q4).replace("alice", "bob") for line in COPIED),
        REMOVED.format(Q2),
        active(Q3),
        active(Q4),
        *COPY_BOUNCED,
        attempt(Q4, "sent (250 ok)", "bob@else.test", agent="smtp"),
        REMOVED.format(Q4),
    ),
    "a copy put in again": (*COPY_AGAIN, attempt(Q4, "sent (250 ok)", "b@else.test"), REMOVED.format(Q4)),
    "forwarded, then put in again": (
        active(Q2, 2),
        *COPIED,
        attempt(Q2, "deferred (x)", "bob@origin.test"),
        f"postfix/postsuper[5]: {Q2}: requeued",
        f"postfix/pickup[6]: {Q4}: uid=102 from=<> orig_id={Q2}",
        f"postfix/cleanup[8]: {Q4}: message-id=<{Q2}@origin.test>",
        active(Q4),
        attempt(Q4, "bounced (no)", "bob@origin.test"),
        REMOVED.format(Q4),
    ),
}
"""How one may end, or go on, of which nobody knows that it reached nobody."""


def undelivered(events: list[MessageEvent]) -> list[MessageEvent]:
    """What is told of notifications that reached nobody."""
    return [one for one in of(events, Kind.REPORTED) if one.action == "undelivered"]


@pytest.mark.parametrize("end", ENDS)
def test_a_notification_that_reaches_nobody_is_told_of_its_subject(end: str) -> None:
    """In the subject's key and place, once, when it leaves."""
    (one,) = undelivered(told("origin", *HEAD, *ENDS[end]))
    assert (one.message_key, one.host, one.queue_id, one.recipient) == ("m@x.test", "origin", Q1, "")
    assert (one.leg, one.next_queue_id) == (leg_of("origin", Q1, key="m@x.test"), Q2)
    assert one.attributes[0] == "notification=failed"


@pytest.mark.parametrize("end", STANDS)
def test_one_that_may_have_reached_somebody_is_not(end: str) -> None:
    """Delivered, handed on, tried again, or nothing is known of it."""
    assert undelivered(told("origin", *HEAD, *STANDS[end])) == []


def test_other_notices_are_of_no_account() -> None:
    """Of delay, of success, or for the postmaster."""
    for notice in ("sender delay notification", "sender delivery status notification"):
        head = [line.replace("sender non-delivery notification", notice) for line in HEAD]
        assert undelivered(told("origin", *head, *ENDS["bounced"])) == []
    head = [line.replace("sender non", "postmaster non") for line in HEAD]
    assert undelivered(told("origin", *head, *ENDS["bounced"])) == []


def test_an_attempt_may_be_told_after_the_end() -> None:
    """Lines of one second stand in any order."""
    taken, tried, gone = ENDS["bounced"]
    (one,) = undelivered(told("origin", *HEAD, taken, gone, tried))
    assert (one.queue_id, one.next_queue_id) == (Q1, Q2)


def test_bounce_may_speak_after_all_is_over() -> None:
    """The notification is in the queue before bounce says so."""
    first = [line for line in HEAD if line != ISSUED]
    (one,) = undelivered(told("origin", *first, *ENDS["bounced"], ISSUED))
    assert (one.queue_id, one.next_queue_id) == (Q1, Q2)


EARLY = (CLIENT, NAMED, ACTIVE, BOUNCED, ISSUED, MADE)
"""As Postfix since 3.11 has it: issued is said when the notification is begun, not when it is in the queue."""
REJECTED = f"postfix/cleanup[8]: {Q2}: milter-reject: END-OF-MESSAGE from mx[127.0.0.1]: 5.7.1 spam; from=<> to=<a@x>"
UNSENT = f"postfix/bounce[3]: warning: {Q1}: sender notification failed to alice@origin.test: 5.7.1 Spam: rejected"
CANCELED = f"postfix/cleanup[8]: {Q2}: removed (canceled)"


@pytest.mark.parametrize(
    "end",
    [(REJECTED, UNSENT), (UNSENT,), (CANCELED,), (REJECTED, CANCELED, UNSENT), (UNSENT, CANCELED)],
    ids=["by a milter", "unsaid", "for nobody", "all", "in another order"],
)
@pytest.mark.parametrize("head", [EARLY, EARLY[:-1]], ids=["named", "unnamed"])
def test_one_that_never_was_queued(head: tuple[str, ...], end: tuple[str, ...]) -> None:
    """Issued, and then not sent: it reached nobody, which is told once, until another is sent in its place."""
    events = told("origin", *head, *end)
    issued, lost = of(events, Kind.REPORTED)
    assert (issued.action, issued.next_queue_id) == ("issued", Q2)
    assert (lost.action, lost.queue_id, lost.next_queue_id, lost.message_key) == ("undelivered", Q1, Q2, "m@x.test")
    again = (line.replace(Q2, Q3) for line in (ISSUED, MADE, *STANDS["delivered"]))
    more = told("origin", *head, *end, *again)
    assert [one.next_queue_id for one in undelivered(more)] == [Q2]
    assert [one.next_queue_id for one in of(more, Kind.REPORTED)] == [Q2, Q2, Q3]


@pytest.mark.parametrize(
    "said",
    [
        (UNSENT,),
        (ISSUED, MADE, active(Q2), UNSENT),
        (ISSUED, MADE, *STANDS["delivered"], UNSENT),
        (ISSUED, MADE, UNSENT.replace(Q1, Q3)),
        (ISSUED, MADE, UNSENT.replace("sender", "postmaster")),
        (ISSUED, MADE, f"postfix/bounce[3]: warning: {Q1}"),
    ],
    ids=["none was issued", "in the queue", "delivered", "of nobody", "for the postmaster", "cut"],
)
def test_what_a_warning_of_bounce_says_of_no_notification(said: tuple[str, ...]) -> None:
    """Where none was begun, or the last one that was is in the queue, it takes nothing back."""
    assert undelivered(told("origin", *EARLY[:4], *said)) == []


def test_bounces_warnings_are_counted() -> None:
    """They carry nothing but that."""
    reader = parser()
    reader.parse(pieces(log_of("origin", UNSENT, "postfix/bounce[3]: x")), file="f", observed_at=OBSERVED)
    assert reader.counts.ignored == {"bounce": 2}


def test_its_subject_is_remembered_by_the_checkpoint() -> None:
    """A notification lies in the queue for days, long after what it is about has left."""
    lines = [*HEAD, *ENDS["expired"]]
    whole = told("origin", *lines)
    one, found = parser(), list[MessageEvent]()
    for piece in pieces(log_of("origin", *lines)):
        state, one = one.state(), parser()
        one.restore(state)
        found += one.parse([piece], file="mail.log", observed_at=OBSERVED)
    assert found == whole
    assert len(undelivered(found)) == 1


def test_it_is_told_alike_by_whoever_reads_it() -> None:
    """The same log is the same facts."""
    lines = [*HEAD, *ENDS["deleted"]]
    one, other = (undelivered(told("origin", *lines))[0] for _ in range(2))
    assert one.event_id == other.event_id
