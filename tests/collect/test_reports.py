"""What mails that came back tell of the messages they are about."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of, message_key, pair_leg
from tests.collect.postfix_logs import OBSERVED
from tests.collect.postfix_logs import told as told_of
from tests.collect.report_mails import (
    ABOUT,
    AT_ORIGIN,
    CAROL,
    HEAD,
    HERE,
    KEY,
    NAMED,
    ORIGIN,
    ORIGINAL,
    QMAIL,
    TO,
    TRACE,
    cases,
    day,
    feed,
    one,
    parser,
    read,
    report,
)
from tests.core.journeys import alarms, folded

AT = round(datetime(2026, 11, 23, 22, 50, 17, tzinfo=UTC).timestamp() * 1_000_000)


# The sample day and the samples' cases


def test_counts_of_the_day() -> None:
    """Actions equal those of the independent reading, every file counts, and every report finds its origin."""
    by = parser()
    events = feed(by, *day().values())
    assert Counter((event.kind.value, event.action) for event in events) == {
        ("reported", "delivered"): 209,
        ("reported", "delayed"): 43,
        ("reported", "failed"): 10,
        ("reported", "relayed"): 3,
        ("reported", "expanded"): 3,
        ("read", "displayed"): 4,
    }
    assert by.counts.pieces == 270
    assert not by.counts.unread
    assert not by.counts.ignored
    assert {event.host for event in events if event.traffic is not Traffic.RECEIPT} == {"origin"}
    assert len({event.event_id for event in events}) == len(events)


RELAYED = [("relayed", "2.0.0", "origin", "4jYLkJ0mq0z1TBgq", TO, "relay", "4jYLkJ0pdXz1TBky", "env-a-1")]
CASES = {
    "dsn_a_relayed": RELAYED,
    "dsn_b_delivered_lmtp": [
        ("delivered", "2.0.0", "origin", "4jYLkH11lPz1TCLP", TO, "dest", "4jYLkH1WLLz1TCPD", "QQ314159+x")
    ],
    "dsn_c_failure_511": [
        ("failed", "5.1.1", "origin", "4jYLkJ5vvDz1TBgB", "nobody@dest.test", "relay", "4jYLkJ5yMTz1TBgT", "env-c-1")
    ],
    "dsn_d_delay": [("delayed", "4.4.1", "origin", "4jYLkp3Gsmz1TBhR", TO, "relay", "4jYLkp4PCkz1TBhR", "env-d-1")],
    "dsn_e_expired": [("failed", "4.4.1", "origin", "4jYLkp3Gsmz1TBhR", TO, "relay", "4jYLkp4PCkz1TBhR", "env-d-1")],
    "dsn_f_auto_envid": [
        (
            "delivered",
            "2.0.0",
            "origin",
            "4jYLlq2mhDz1TC4q",
            TO,
            "dest",
            "4jYLlq3Dl8z1TBk6",
            "coc-ba5734a4-e3da-40a0-b654-b5cd8ea1aad9",
        )
    ],
    "dsn_g_operator_force_expired": [
        ("failed", "4.4.1", "origin", "4jYM293kgxz1TBbH", TO, "relay", "4jYM293y88z1TBbH", "op-1")
    ],
    "dsn_h_operator_error_transport": [
        ("failed", "5.7.1", "origin", "4jYM2P01dcz1TBd8", TO, "relay", "4jYM2P0Dtqz1TBd8", "op-1")
    ],
    "dsn_i_force_expired_never_tried": [
        ("failed", "4.7.0", "origin", "4jYM3S6Sy2z1TBc0", TO, "relay", "4jYM3S6Zrtz1TBck", None)
    ],
    "mdn_displayed": [("displayed", None, "origin", "4jYMGG2nY6z1TBY7", TO, None, None, None)],
    "archived_opfwd": [],
    "milter_archive_example": [],
    "operator_forward_arrived": [],
}


def test_each_sample_has_its_expectation() -> None:
    """No mail of the samples is left out."""
    assert {name.removesuffix(".eml") for name in cases()} == set(CASES)


@pytest.mark.parametrize(("name", "want"), CASES.items())
def test_a_sample_gives_exactly_its_events(name: str, want: list[tuple[str | None, ...]]) -> None:
    """Where it was submitted, who reports, what of; the origin's line says for whom a receipt is."""
    by = parser()
    events = feed(by, cases()[f"{name}.eml"])
    assert [
        (e.action, e.status, e.host, e.queue_id, e.recipient, e.peer, e.next_queue_id, e.mts_id) for e in events
    ] == want
    assert by.counts.ignored == ({} if want else {"mail that is no report": 1})
    for event in events:
        key, to = event.message_key, event.recipient
        assert event.leg == (leg_of(event.host, event.queue_id, to, key=key) if event.host else pair_leg(key, to))


def test_a_report_leads_from_the_origin_to_the_reporter() -> None:
    """The trace names every stay; the time is the arrival at the originator; the subject is dropped."""
    event = one(report())
    assert (event.kind, event.message_key, event.occurred_at) == (Kind.REPORTED, KEY, AT)
    assert (event.leg, event.next_leg) == (AT_ORIGIN, leg_of("dest", HERE, TO, key=KEY))
    assert event.attributes == (f"trace=origin/{ORIGIN},dest/{HERE}", "report=report-1@dest.test")
    assert "secret" not in repr(event)


TEAM = "team@x.test"
FOR_ONE = TRACE.replace(f"id {ORIGIN};\n\t", f"id {ORIGIN}\n\tfor <{TO}>; ")
"""Postfix writes for whom a message is where it has one recipient."""


@pytest.mark.parametrize(
    ("trace", "original", "first"),
    [(FOR_ONE, "", TO), (TRACE, "", "rob@x.test"), (FOR_ONE, "Original-Recipient: rfc822;team@x.test\n", TEAM)],
    ids=["one", "several", "said"],
)
def test_whatever_a_report_calls_it_it_is_about_the_only_recipient(trace: str, original: str, first: str) -> None:
    """A host behind an alias reports under its own name for them, and does not say what they were called first."""
    renamed = CAROL.replace(TO, "rob@x.test")
    last = f"Content-Type: text/rfc822-headers\n\n{trace}{NAMED}"
    event = one(report(f"{ABOUT}\n{original}{renamed}", last))
    assert (event.leg, event.recipient) == (leg_of("origin", ORIGIN, first, key=KEY), first)
    assert event.next_leg == leg_of("dest", HERE, "rob@x.test", key=KEY)


def test_a_report_by_another_name_is_the_report_that_was_owed() -> None:
    """From a host of which nothing else is heard: the origin's log and the report's mail leave nothing to be found."""
    sent = told_of(
        "origin",
        f"postfix/smtpd[7]: {ORIGIN}: client=client.test[127.0.0.1]",
        f"postfix/cleanup[8]: {ORIGIN}: message-id=<wild-1@origin.test>",
        f"postfix/qmgr[9]: {ORIGIN}: from=<alice@origin.test>, size=900, nrcpt=1 (queue active)",
        f"postfix/smtp[10]: {ORIGIN}: to=<{TO}>, relay=mx.far.example[192.0.2.9]:25, delay=1, delays=1/0/0/0,"
        " dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ABC123)",
        f"postfix/qmgr[9]: {ORIGIN}: removed",
    )
    delivered = CAROL.replace(TO, "rob@x.test").replace("failed", "delivered").replace("5.1.1", "2.0.0")
    status = f"Reporting-MTA: dns; mx.far.example\n\n{delivered}"
    for trace, rules in ((FOR_ONE, set()), (TRACE, {"overdue"})):
        back = read(report(status, f"Content-Type: text/rfc822-headers\n\n{trace}{NAMED}").encode())
        found = alarms(folded(sent, back, terms={"stuck": {}}), sent[0].occurred_at / 1_000_000 + 3600)
        assert {rule for rule, *_ in found} == rules


# Which message


def test_the_message_is_named_elsewhere() -> None:
    """Without the original, a field of the status part or the mail that is answered names it."""
    event = one(report(f"{ABOUT}X-Original-Message-ID: <wild-1@origin.test>\n\n{CAROL}", None))
    assert (event.message_key, event.leg) == (KEY, leg_of("dest", HERE, TO, key=KEY))
    assert one(report(last=None, more="In-Reply-To: <wild-1@origin.test>\n")).message_key == KEY
    assert one(report(CAROL, None, more="References: <wild-1@origin.test>\n")).leg == pair_leg(KEY, TO)


def test_a_message_without_an_id_is_its_queue_entry() -> None:
    """The trace names the origin's queue entry; the key is the switch's own."""
    event = one(report(last=f"Content-Type: text/rfc822-headers\n\n{TRACE}From: a@b\nMessage-ID: <>\n"))
    key = message_key(None, "origin", ORIGIN)
    assert (event.message_key, event.message_id) == (key, None)
    assert (event.leg, event.next_leg) == (leg_of("origin", ORIGIN, TO, key=key), leg_of("dest", HERE, TO, key=key))


@pytest.mark.parametrize("made", [f"<{HERE}@dest.lab.test>", f"<20261123225016.{HERE}@dest.lab.test>"])
def test_an_id_that_a_later_hop_invented(made: str) -> None:
    """The origin knew no Message-ID: the key is made of its queue entry. One that the origin made is the key."""
    last = f"Content-Type: text/rfc822-headers\n\n{TRACE}Message-ID: {made}\n"
    event = one(report(last=last))
    assert (event.message_key, event.message_id) == (message_key(None, "origin", ORIGIN), made)
    assert one(report(last=last.replace(f"{HERE}@", f"{ORIGIN}@"))).message_key.endswith(f"{ORIGIN}@dest.lab.test")


def test_no_original_message_is_said_and_used_all_the_same() -> None:
    """The reporter's queue entry is all that is known; without it nothing is."""
    by = parser()
    (event,) = feed(by, report(last=None).encode())
    assert (event.message_key, event.host, event.queue_id) == (message_key(None, "dest", HERE), "dest", HERE)
    assert event.leg == leg_of("dest", HERE, TO, key=event.message_key)
    assert not feed(by, report(f"Reporting-MTA: dns; dest.lab.test\n\n{CAROL}", None).encode())
    assert by.counts.unread == {"no original message": 2}


def test_the_origin_is_a_submission_point() -> None:
    """A stay before it, at a declared host that is none, is not the origin; without one the earliest stay is."""
    before = (
        TRACE.partition("(UTC)\n")[0].replace("dest.lab.test", "relay.lab.test").replace(HERE, "ABCDEF012") + "(UTC)\n"
    )
    event = one(report(last=f"Content-Type: text/rfc822-headers\n\n{TRACE}{before}{NAMED}"))
    assert (event.host, event.queue_id) == ("origin", ORIGIN)
    assert event.attributes[0] == f"trace=relay/ABCDEF012,origin/{ORIGIN},dest/{HERE}"
    lone = TRACE.partition("(UTC)\n")[0] + "(UTC)\n"
    event = one(report(last=f"Content-Type: text/rfc822-headers\n\n{lone}{NAMED}"))
    assert (event.host, event.queue_id, event.next_leg) == ("dest", HERE, None)


@pytest.mark.parametrize(
    "line",
    [
        "Received: from x by unknown.example (Postfix) with ESMTP id ABCDEF0123; Mon",
        "Received: from x by origin.lab.test with LMTP id ABCDEF+w//; Mon",
        "Received: from x by origin.lab.test with ESMTP; Mon",
        "Received: by nobody",
    ],
)
def test_lines_that_name_no_stay(line: str) -> None:
    """Undeclared hosts, LMTP sessions and lines without an id are no part of the trace."""
    event = one(report(last=f"Content-Type: text/rfc822-headers\n\n{line}\n{NAMED}"))
    assert (event.host, event.queue_id) == ("dest", HERE)
    assert event.attributes == ("report=report-1@dest.test",)


def test_an_exim_stay_is_one() -> None:
    """A declared host may run another system."""
    line = "Received: from x by relay.lab.test with esmtp (Exim 4.98) (envelope-from <a@b>) id 1tKxyz-00000000abc-2Q3r"
    assert (
        one(report(last=f"Content-Type: text/rfc822-headers\n\n{line}\n{NAMED}")).queue_id == "1tKxyz-00000000abc-2Q3r"
    )


def test_the_reporter_without_its_field() -> None:
    """Without Reporting-MTA the report's own trace tells where it was written; mail_name may rename the queue id."""
    mail = report(
        f"X-Mailer9-Queue-ID: {HERE}\n\n{CAROL}", more=f"Received: by dest.lab.test (Postfix)\n\tid {ORIGIN}; Mon\n"
    )
    assert (one(mail).peer, one(mail).next_queue_id) == ("dest", HERE)


# When


@pytest.mark.parametrize(
    ("received", "date", "want"),
    [
        ("Mon, 23 Nov 2026 22:50:17 +0000 (UTC)", "Mon, 23 Nov 2026 01:00:00 +0000", AT),
        ("Mon, 23 Nov 2026 23:50:17 +0100", "nonsense", AT),
        ("nonsense", "Mon, 23 Nov 2026 22:50:17 -0000", AT),
        ("Fri, 31 Dec 9999 23:59:59 +0000", "Mon, 23 Nov 2026 22:50:17 +0000", AT),
        ("Thu, 1 Jan 1970 00:00:00 +0000", "Mon, 23 Nov 2026 22:50:17 +0000", AT),
        ("Mon, 99 Nov 2026 22:50:17 +9999", "Mon, 23 Nov 99999999 22:50:17 +0000", OBSERVED),
        ("", "", OBSERVED),
    ],
)
def test_when_a_report_came(received: str, date: str, want: int) -> None:
    """The last Received line, else Date, else when it was read; a time that cannot be is none."""
    old = "Mon, 23 Nov 2026 22:50:17 +0000 (UTC)"
    mail = report().replace(old, received, 1).replace("Date: Mon, 23 Nov 2026 22:50:16 +0000", f"Date: {date}")
    by = parser()
    (event,) = feed(by, mail.encode())
    assert event.occurred_at == by.through == want


# What is not understood

ANSWER = HEAD.replace("Mail Delivery System <MAILER-DAEMON@dest.test>", "Carol <carol@dest.test>")
"""The head of what a person's program answers: to be answered by nobody, too (RFC 3834)."""


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (report(f"{ABOUT}\nFinal-Recipient: rfc822;c@d\nAction: considered\n"), "an unknown action"),
        (report(f"{ABOUT}\nFinal-Recipient: rfc822;c@d\nStatus: 4.0.0\n"), "an unknown action"),
        (report(f"{ABOUT}\nFinal-Recipient: rfc822;\nAction: failed\n"), "a report without a recipient"),
        (report(ABOUT), "a report without a recipient"),
        (report(""), "a report without a recipient"),
        (
            report(kind="text/plain").replace("disposition-notification", "delivery-status"),
            "a report without its status part",
        ),
        (QMAIL.partition("--- Below")[0], "no original message"),
        ("", "not a mail"),
        ("\n\nno head", "not a mail"),
    ],
)
def test_what_is_not_understood_is_counted(mail: str, reason: str) -> None:
    """With its place and reason, and costs nothing else."""
    by = parser()
    events = feed(by, mail.encode(), report().encode())
    assert [event.message_key for event in events] == [KEY]
    assert by.counts.unread == {reason: 1}
    assert [(example.offset, example.reason) for example in by.counts.examples] == [(0, reason)]


def test_a_report_of_too_many_recipients() -> None:
    """The first ones count, and the rest is said."""
    by = parser()
    blocks = "\n".join(CAROL.replace("carol", f"c{number}") for number in range(2_100))
    assert len(feed(by, report(f"{ABOUT}\n{blocks}").encode())) == 2_000
    assert by.counts.unread == {"a report of more than 2000 recipients": 1}


@pytest.mark.parametrize(
    "mail",
    [
        "From: a@b\nSubject: Hi. This is the news\n\nHi. This is the news.\n\n<carol@dest.test>:\nlook\n",
        QMAIL.replace("Return-Path: <>", "Return-Path: <bob@x.test>").replace("MAILER-DAEMON", "bob"),
        ANSWER + "\nAn automatic answer.\n",
        ANSWER + "Auto-Submitted: auto-replied\nIn-Reply-To: <wild-1@origin.test>\n\nI am away.\n",
        ANSWER + "X-Autoreply: yes\nPrecedence: junk\n\nHello,\nI am on holiday.\n\nHi. This is what you wrote:\n",
        ANSWER.replace("carol@", "postmaster@").replace("Path: <>", "Path: <postmaster@dest.test>")
        + "\nPlease call.\n",
        f"{HEAD}\nTranscript of session follows.\n".replace("Path: <>", "Path: <double-bounce@dest.test>"),
        f"{HEAD}Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nabuse\n--b--\n",
        "From: a@b\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nabuse\n--b--\n",
        "From: a@b\nContent-Type: multipart/mixed\n\nno boundary at all\n",
    ],
)
def test_other_mail_is_ignored(mail: str) -> None:
    """Ordinary mail, a quoted bounce, automatic answers, what a mail system tells its postmaster, other reports."""
    by = parser()
    assert not feed(by, mail.encode())
    assert by.counts.ignored == {"mail that is no report": 1}
    assert not by.counts.unread


def test_nothing_is_remembered() -> None:
    """The same mail gives the same events, in another parser after another; a checkpoint holds nothing."""
    by = parser()
    by.restore(by.state())
    assert feed(by, report().encode()) == feed(by, report().encode()) == read(report().encode())
    assert not list(by.close())


def test_ordinary_original_of_a_large_mail() -> None:
    """A mail that came back whole, attachments and all, is read like its headers alone."""
    body = "\n" + "x" * 70 + "\n"
    assert one(report(last=f"Content-Type: message/rfc822\n\n{TRACE}{NAMED}\n{body * 100_000}")).leg == AT_ORIGIN
    assert ORIGINAL in report()
