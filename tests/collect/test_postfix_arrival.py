"""Arrivals in Postfix's logs: who sent it, from where, for whom, and what came before; one trap a test."""

import pytest

from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of
from tests.collect.postfix_logs import (
    ACTIVE,
    CLIENT,
    HEAD,
    NAMED,
    PEER,
    Q1,
    Q2,
    arrivals,
    attempt,
    case,
    of,
    read,
    short,
    told,
)

ACTS = ("info", "warning", "filter", "redirect", "prepend", "delay")
"""What header_checks do to a message that goes on."""


def test_a_submission_and_its_hand_over() -> None:
    """A message of ours arrives, its recipient is known at the first attempt, and custody passes to the next host."""
    events = told(
        "origin", *HEAD, f"postfix/smtp[1]: {Q1}: to=<c@dest.test>, {PEER} {Q2})", f"postfix/qmgr[9]: {Q1}: removed"
    )
    assert short(events) == [
        ("submitted", Q1, ""),
        ("submitted", Q1, "c@dest.test"),
        ("transferred", Q1, "c@dest.test"),
        ("removed", Q1, ""),
    ]
    entry, _, sent, _ = events
    assert (entry.traffic, entry.recipients_expected, entry.size) == (Traffic.OURS, 1, 335)
    assert entry.leg == leg_of("origin", Q1, key="m@x.test")
    assert (sent.side, sent.peer, sent.next_queue_id) == ("sent", "relay", Q2)
    assert sent.next_leg == leg_of("relay", Q2, "c@dest.test", key="m@x.test")


def test_recipients_are_known_early() -> None:
    """A command filter's line names the first recipient before there is a queue id; one that is refused is none."""
    rcpt = 'postfix/smtpd[7]: x[127.0.0.1]: replacing command "rcpt TO:<{0}>" with "rcpt TO:<{0}> NOTIFY={1}"'
    events = told(
        "origin",
        rcpt.format("no@dest.test", "SUCCESS"),
        "postfix/smtpd[7]: NOQUEUE: reject: RCPT from x[127.0.0.1]: 550 5.1.1 no; from=<a@x> to=<no@dest.test>",
        rcpt.format("a@dest.test", "SUCCESS,FAILURE"),
        CLIENT,
        rcpt.format("b@dest.test", "NEVER"),
        rcpt.format("gone@dest.test", "SUCCESS"),
        f"postfix/smtpd[7]: {Q1}: reject: RCPT from x[127.0.0.1]: 550 no; from=<a@x> to=<gone@dest.test>",
        NAMED,
        rcpt.format("next@dest.test", "SUCCESS"),
        ACTIVE,
        f"postfix/smtpd[7]: {Q2}: client=unknown[127.0.0.1]",
        f"postfix/cleanup[8]: {Q2}: message-id=<n@x.test>",
        f"postfix/qmgr[9]: {Q2}: from=<a@x>, size=1, nrcpt=1 (queue active)",
    )
    asked = {(e.queue_id, e.recipient): e.report_requested for e in events if e.recipient}
    assert asked == {(Q1, "a@dest.test"): True, (Q1, "b@dest.test"): False, (Q2, "next@dest.test"): True}


def test_commands_are_logged_up_to_a_hundred_bytes() -> None:
    """What a cut command no longer shows is unknown: whether a report was asked for, and the ENVID."""

    def asked(address: str, notify: str) -> list[bool | None]:
        command = f"RCPT TO:<{address}> NOTIFY={notify}"[:100]
        line = f'postfix/smtpd[7]: x[127.0.0.1]: replacing command "RCPT TO:<{address}>" with "{command}"'
        return [e.report_requested for e in arrivals(told("origin", line, *HEAD), address)]

    assert asked("c@dest.test", "NEVER") == [False]
    assert asked("c" * 70 + "@dest.test", "FAILURE,SUCCESS") == [None]
    assert asked("c" * 70 + "@dest.test", "SUCCESS,FAILURE") == [None]
    assert asked("c" * 60 + "@dest.test", "SUCCESS,FAILURE") == [True]
    assert asked("c" * 75 + "@dest.test", "SUCCESS") == [None]
    assert asked("c" * 100 + "@dest.test", "SUCCESS") == []
    for length, known in ((50, True), (90, False)):
        command = f"MAIL FROM:<a@x> ENVID={'e' * length}"[:100]
        line = f'postfix/smtpd[7]: x[127.0.0.1]: replacing command "MAIL FROM:<a@x>" with "{command}"'
        (event,) = arrivals(told("origin", line, *HEAD))
        assert (event.mts_id == "e" * length) is known


def test_an_envelope_id() -> None:
    """A command filter's ENVID is the message's MTS identifier."""
    events = read("origin", case("envid_socketmap", "origin"))
    assert [e.mts_id is not None for e in arrivals(events)] == [True, False]


def test_short_queue_ids() -> None:
    """Short ids give microseconds within the second of their line, and the same chain."""
    events = read("relay", case("short_queue_ids_us_delays", "relay"))
    first, *_ = arrivals(events)
    assert first.occurred_at % 1_000_000 == int(first.queue_id[:5], 16)
    legs = {e.leg for e in events}
    assert all(e.next_leg in legs for e in of(events, Kind.TRANSFERRED) if e.peer == "relay" and e.next_leg)


def test_classes_of_arrivals() -> None:
    """Who sent it, from where and how decide whether it is ours, inbound, transit, system, a probe or a report."""

    def traffic(client: str, sender: str, host: str = "origin") -> tuple[str, Traffic | None]:
        events = told(
            host,
            client,
            NAMED,
            f"postfix/qmgr[9]: {Q1}: from=<{sender}>, size=335, nrcpt=1 (queue active)",
            attempt("deferred (x)"),
        )
        event = arrivals(events, "c@dest.test")[0]
        return event.kind.value, event.traffic

    smtpd = f"postfix/smtpd[7]: {Q1}: client="
    assert traffic(f"{smtpd}unknown[127.0.0.1]", "a@x.test") == ("submitted", Traffic.OURS)
    assert traffic(f"{smtpd}h[192.0.2.9], sasl_method=PLAIN, sasl_username=a", "a@x.test") == (
        "submitted",
        Traffic.OURS,
    )
    assert traffic(f"postfix/submission/smtpd[7]: {Q1}: client=h[192.0.2.9]", "a@x") == ("submitted", Traffic.OURS)
    assert traffic(f"postfix/pickup[7]: {Q1}: uid=1000 from=<a@x.test>", "a@x.test") == ("submitted", Traffic.OURS)
    assert traffic(f"postfix/pickup[7]: {Q1}: uid=0 from=<root>", "root@x.test") == ("submitted", Traffic.SYSTEM)
    assert traffic(f"{smtpd}unknown[127.0.0.1]", "") == ("submitted", Traffic.REPORT)
    assert traffic(f"{smtpd}h[192.0.2.9]", "a@x.test") == ("transferred", Traffic.INBOUND)
    assert traffic(f"{smtpd}h[192.0.2.9]", "") == ("transferred", Traffic.REPORT)
    assert traffic(f"{smtpd}h[127.0.0.12]", "a@x.test") == ("transferred", Traffic.TRANSIT)
    assert traffic(f"{smtpd}h[127.0.0.12]", "") == ("transferred", Traffic.TRANSIT)
    assert traffic(NAMED, "double-bounce@origin.test") == ("submitted", Traffic.PROBE)
    assert traffic(f"{smtpd}unknown[127.0.0.1]", "a@x.test", "dest") == ("transferred", Traffic.INBOUND)
    assert traffic(f"postfix/pickup[7]: {Q1}: uid=0 from=<a@x.test>", "a@x.test", "dest") == (
        "transferred",
        Traffic.TRANSIT,
    )


def test_a_filter_hands_back() -> None:
    """What a filter hands back to its own service is no submission, though the client's network is ours."""
    own = f"postfix/reinject/smtpd[7]: {Q1}: client=origin[127.0.0.11]"
    assert arrivals(told("origin", own, NAMED, ACTIVE))[0].traffic is Traffic.TRANSIT
    near = f"postfix/10025/smtpd[7]: {Q1}: client=localhost[127.0.0.1]"
    assert arrivals(told("origin", near, NAMED, ACTIVE))[0].traffic is Traffic.TRANSIT
    with_parent = f"{CLIENT}, orig_queue_id={Q2}, orig_client=unknown[127.0.0.1]"
    events = told("origin", with_parent, NAMED, ACTIVE, attempt("deferred (x)"))
    assert arrivals(events)[0].traffic is Traffic.TRANSIT
    (edge,) = of(events, Kind.REROUTED)
    assert (edge.queue_id, edge.next_queue_id, edge.recipient) == (Q2, Q1, "c@dest.test")
    assert edge.leg == leg_of("origin", Q2, "c@dest.test", key="m@x.test")
    assert edge.next_leg == leg_of("origin", Q1, "c@dest.test", key="m@x.test")


def test_a_filter_that_changes_the_message_id() -> None:
    """Where a filter gives another Message-ID, the edge stands in the partitions of both."""
    events = told(
        "origin",
        *HEAD,
        f"postfix/f/smtpd[7]: {Q2}: client=unknown[127.0.0.1], orig_queue_id={Q1}",
        f"postfix/cleanup[8]: {Q2}: message-id=<other@x.test>",
        f"postfix/qmgr[9]: {Q2}: from=<a@x>, size=1, nrcpt=1 (queue active)",
        attempt("deferred (x)").replace(Q1, Q2),
    )
    edges = of(events, Kind.REROUTED)
    assert {e.message_key for e in edges} == {"m@x.test", "other@x.test"}
    assert {e.leg for e in edges} == {leg_of("origin", Q1, "c@dest.test", key="m@x.test")}


def test_another_instance_by_its_name() -> None:
    """A service whose syslog name is a host's still is Postfix."""
    events = read("relay", case("operator_forward", "relay"))
    sent = [e for e in events if e.side == "sent" and e.peer == "dest"]
    assert [e.queue_id for e in sent] == ["4jYM6c1DTQz1TBfW"]
    assert all(e.attributes == ("resent-message-id=<op-4712@relay.test>",) for e in arrivals(events))


def test_message_ids_of_all_kinds() -> None:
    """None, empty, without brackets, folded, two of them: each entry has one key, and none is lost."""
    events = read("dest", case("message_id_oddities", "dest"))
    keys = [e.message_key for e in arrivals(events)]
    assert "/dest/4jYLmv4CrNz1TCKM" in keys
    assert {"withspace@xy", "no-brackets@x", "folded-id@origin.test", "utf8-é@origin.test", "dup-0@origin.test"} <= set(
        keys
    )
    assert "dup-1@origin.test" not in keys
    assert len(of(events, Kind.REMOVED)) == len(keys)


def test_priority_headers() -> None:
    """Priority, precedence and importance in any case; the more exact header decides, whatever the order."""

    def level(*headers: str) -> int | None:
        lines = [f"postfix/cleanup[8]: {Q1}: info: header {h} from local; from=<a@x>" for h in headers]
        return arrivals(told("origin", CLIENT, *lines, NAMED, ACTIVE))[0].priority

    assert level() is None
    assert level("Priority: Urgent") == 4
    assert level("X-Priority: 5 (Lowest)") == -4
    assert level("Importance: high", "MMHS-Primary-Precedence: 4", "X-Priority: 5") == 4
    assert level("MMHS-Primary-Precedence: flash", "Priority: non-urgent") == 4
    assert level("MT-Priority: -3") == -3
    assert level("Subject: Priority: urgent") is None
    lines = [f"postfix/cleanup[8]: {Q1}: {act}: header Priority: urgent from unknown; from=<a@x>" for act in ACTS]
    assert all(arrivals(told("origin", CLIENT, line, NAMED, ACTIVE))[0].priority == 4 for line in lines)


def _proxied(client: str, more: str = "", *, pid: int = 3, service: str = "postfix") -> str:
    return f"{service}/smtpd[{pid}]: NOQUEUE: client={client}{more}"


def _back(client: str, number: str = Q1, service: str = "postfix/10025") -> tuple[str, ...]:
    """A filter before the queue hands back what a client sends it."""
    opened = f"{service}/smtpd[7]: {number}: client=localhost[127.0.0.1], orig_client={client}"
    return opened, NAMED.replace(Q1, number), ACTIVE.replace(Q1, number)


LOGIN, FAR = ", sasl_method=PLAIN, sasl_username=alice", "h[192.0.2.9]"


@pytest.mark.parametrize("service", ["postfix", "postfix/10025"])
def test_a_filter_before_the_queue(service: str) -> None:
    """What it hands back begins here, and is its client's: by login, service or network, or from outside."""

    def traffic(*lines: str) -> list[tuple[str, str | None, Traffic | None]]:
        return [(e.kind.value, e.peer, e.traffic) for e in arrivals(told("origin", *lines))]

    ours, inbound = [("submitted", "192.0.2.9", Traffic.OURS)], [("transferred", "192.0.2.9", Traffic.INBOUND)]
    assert traffic(_proxied(FAR), *_back(FAR, service=service)) == inbound
    assert traffic(_proxied(FAR, LOGIN), *_back(FAR, service=service)) == ours
    assert traffic(_proxied(FAR, service="postfix/submission"), *_back(FAR, service=service)) == ours
    near = traffic(_proxied("localhost[127.0.0.1]"), *_back("localhost[127.0.0.1]", service=service))
    assert near == [("submitted", "127.0.0.1", Traffic.OURS)]


def test_filters_before_the_queue_of_one_client() -> None:
    """Sessions of one client are told apart by their order; what waits no more is a filter's behind the queue."""
    both = (_proxied(FAR, LOGIN, pid=3), _proxied(FAR, pid=4), *_back(FAR), *_back(FAR, Q2))
    assert [e.traffic for e in arrivals(told("origin", *both))] == [Traffic.OURS, Traffic.INBOUND]
    again = (_proxied(FAR, LOGIN), *_back(FAR), _proxied(FAR, LOGIN), *_back(FAR, Q2))
    assert [e.traffic for e in arrivals(told("origin", *again))] == [Traffic.OURS, Traffic.OURS]
    gone = (_proxied(FAR, LOGIN), f"postfix/smtpd[3]: disconnect from {FAR}", *_back(FAR))
    assert [e.traffic for e in arrivals(told("origin", *gone))] == [Traffic.TRANSIT]
    assert [e.traffic for e in arrivals(told("origin", *_back(FAR)))] == [Traffic.TRANSIT]
