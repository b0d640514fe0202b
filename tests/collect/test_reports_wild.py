"""Delivery reports as other systems write them: what can be used is used."""

import base64
import quopri

import pytest

from streams.core.events import Kind
from streams.core.identity import leg_of
from tests.collect.report_mails import (
    ABOUT,
    AT_ORIGIN,
    CAROL,
    EXCHANGE,
    EXIM,
    EXIM_PLAIN,
    GMAIL,
    HEAD,
    HERE,
    KEY,
    NAMED,
    ORIGIN,
    QMAIL,
    SENDMAIL,
    SENDMAIL_OLD,
    TO,
    TRACE,
    feed,
    one,
    parser,
    read,
    report,
    told,
)


@pytest.mark.parametrize(
    ("mail", "want"),
    [
        (EXCHANGE, [("failed", "5.1.10", "Carol@Dest.test")]),
        (EXIM, [("failed", "5.0.0", TO)]),
        (EXIM_PLAIN, [("failed", "5.1.1", TO), ("failed", None, '"dave jones"@dest.test')]),
        (QMAIL, [("failed", "5.1.1", TO), ("failed", "5.1.1", "dave@dest.test")]),
        (
            SENDMAIL,
            [
                ("failed", "5.1.1", TO),
                ("delivered", "2.1.5", "dave@dest.test"),
                ("relayed", "2.6.0", "eve@dest.test"),
            ],
        ),
        (SENDMAIL_OLD, [("failed", None, TO)]),
        (GMAIL, [("failed", "5.1.1", TO)]),
    ],
    ids=["exchange", "exim", "exim-plain", "qmail", "sendmail", "sendmail-8.6", "gmail"],
)
def test_other_systems_reports(mail: str, want: list[tuple[str, str | None, str]]) -> None:
    """Each names its recipients, and the message by the origin's trace or by its Message-ID."""
    by = parser()
    events = feed(by, mail.encode())
    assert told(events) == want
    assert not by.counts.unread
    assert {event.message_key for event in events} == {KEY}
    origin = ORIGIN if mail is not GMAIL else ""
    assert {event.queue_id for event in events} == {origin}
    assert "secret" not in repr(events)
    assert events == read(mail.replace("\n", "\r\n").encode())


def test_the_peer_s_words_are_kept() -> None:
    """Diagnostic and remote host, unfolded and without their types."""
    event = one(EXCHANGE)
    assert event.diagnostic == "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
    assert event.original_recipient == "Carol@Dest.test"
    assert event.leg == AT_ORIGIN
    assert "remote-mta=mail.dest.test" in one(EXIM).attributes
    assert "550 5.1.1 no such user" in (read(QMAIL.encode())[0].diagnostic or "")


@pytest.mark.parametrize(
    ("block", "want"),
    [
        ("final-recipient : RFC822 ;<carol@dest.test>\nACTION:Failed\nstatus: 5.0.0 (reason)", ("failed", "5.0.0", TO)),
        ("Original-Recipient: rfc822;carol@dest.test\nAction: delivered\nStatus: 2.0.0", ("delivered", "2.0.0", TO)),
        ("Final-Recipient: carol@dest.test\nAction: expanded (to a list)\nStatus: 2.1.5", ("expanded", "2.1.5", TO)),
        ("Final-Recipient: rfc822; carol@dest.test (Carol)\nAction: delayed;\nStatus: 4", ("delayed", None, TO)),
        ("Final-Recipient: rfc822;\n carol@dest.test\nAction:\n failed\nStatus:\n 5.1.1", ("failed", "5.1.1", TO)),
        (
            "Final-Recipient: rfc822;Carol <carol@dest.test>\nAction: failure\nStatus: 5.9.999",
            ("failed", "5.9.999", TO),
        ),
        (
            "Final-Recipient: utf-8;gr\u00fc\u00dfe@dest.test\nAction: failed",
            ("failed", None, "gr\u00fc\u00dfe@dest.test"),
        ),
        ("Final-Recipient: rfc822;carol@dest.test\nStatus: 5.1.1", ("failed", "5.1.1", TO)),
        (
            "Final-Recipient: rfc822;carol@dest.test\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 no",
            ("failed", "5.1.1", TO),
        ),
        (
            "Final-Recipient: carol@dest.test\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 550 5.1.1 no",
            ("failed", "5.2.2", TO),
        ),
        ("Final-Recipient: rfc822;carol@dest.test\nDiagnostic-Code: smtp; 550 no", ("failed", "5.0.0", TO)),
        (
            "Final-Recipient: rfc822;carol@dest.test\nAction: delayed\nDiagnostic-Code: smtp; 450 later",
            ("delayed", "4.0.0", TO),
        ),
        ("Action: failed\nStatus: 5.1.1", ("failed", "5.1.1", "lone@dest.test")),
        (
            "Final-Recipient: x400;/G=Carol/C=XX/\nAction: relayed\nStatus: 2.0.0",
            ("relayed", "2.0.0", "/G=Carol/C=XX/"),
        ),
        (
            "Final-Recipient: x400; /RFC-822=pr(a)dest.test/ADMD= /C=WW/\nAction: failed",
            ("failed", None, "/RFC-822=pr(a)dest.test/ADMD= /C=WW/"),
        ),
        ("Final-Recipient: carol@dest.test\nAction: expired\nStatus: ", ("failed", None, TO)),
    ],
)
def test_odd_fields(block: str, want: tuple[str | None, str | None, str]) -> None:
    """Case, comments, brackets, folding, missing types and fields: what can be used is used."""
    assert told([one(report(f"{ABOUT}\n{block}\n", more="X-Failed-Recipients: lone@dest.test\n"))]) == [want]


@pytest.mark.parametrize(
    "status",
    [
        f"{ABOUT}{CAROL}{CAROL.replace('carol', 'dave')}",
        f"{ABOUT}\n{CAROL}{CAROL.replace('carol', 'dave')}",
        f"{ABOUT}\n\n\n{CAROL}\n\n{CAROL.replace('carol', 'dave')}\n\n",
        f"{CAROL}\n{CAROL.replace('carol', 'dave')}",
    ],
)
def test_groups_without_their_empty_lines(status: str) -> None:
    """A field that comes again begins the next recipient."""
    assert told(read(report(status).encode())) == [("failed", "5.1.1", TO), ("failed", "5.1.1", "dave@dest.test")]


@pytest.mark.parametrize(
    "last",
    [
        f"Content-Type: message/rfc822\n\n{TRACE}{NAMED}\nbody",
        f"Content-Type: TEXT/RFC822-HEADERS; charset=utf-8\n\n{TRACE}{NAMED}",
        f"Content-Type: message/global-headers\n\n{TRACE}{NAMED}",
        f"Content-Type: text/plain\n\n{TRACE}{NAMED}",
        f"Content-Type: message/rfc822\n\n\n\n{TRACE}{NAMED}\nbody",
        "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes((TRACE + NAMED).replace("\n", "\r\n").encode()).decode(),
        "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: quoted-printable\n\n"
        + quopri.encodestring((TRACE + NAMED).encode()).decode(),
        f"Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\n{TRACE}{NAMED}",
    ],
)
def test_forms_of_the_original(last: str) -> None:
    """A whole message or its headers, under any type, encoded or said to be."""
    event = one(report(last=last))
    assert (event.message_key, event.leg) == (KEY, AT_ORIGIN)


def test_a_status_part_in_base64() -> None:
    """RFC 3464 forbids it; it is sent."""
    status = base64.encodebytes(f"{ABOUT}\n{CAROL}".encode()).decode()
    mail = report("STATUS").replace(
        "message/delivery-status\n", "message/delivery-status\nContent-Transfer-Encoding: BASE64\n"
    )
    assert told([one(mail.replace("STATUS", status))]) == [("failed", "5.1.1", TO)]


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ('\tboundary="b"', "\tboundary=b"),
        ('\tboundary="b"', '\tBoundary = "b"; x=y'),
        ('\tboundary="b"', "\tx=y"),
        ('\tboundary="b"', '\tboundary="other"'),
        ('\tboundary="b"\n\nFor old readers.\n', '\tboundary="zz"\n\nx --zz\n'),
        ("\n--b--\n", "\n"),
        ("\n--b--\n", "\n--b-- \n--b\nContent-Type: text/plain\n\nafter the end\n"),
        ("For old readers.\n", ""),
        ("For old readers.\n", "--bb\n--b x\n"),
    ],
)
def test_odd_boundaries(change: str, to: str) -> None:
    """Unquoted, missing, wrong, never closed, prefixes of others."""
    mail = report()
    assert change in mail
    assert told([one(mail.replace(change, to))]) == [("failed", "5.1.1", TO)]


@pytest.mark.parametrize("last", ["message/global", "message/global-headers"])
def test_an_internationalised_report(last: str) -> None:
    """RFC 6533: other types of parts; addresses are in UTF-8, or escaped where they went through what knows ASCII."""
    status = f"{ABOUT}\nOriginal-Recipient: utf-8; gr\\x{{FC}}n@dest.test\nFinal-Recipient: utf-8; grün2@dest.test\n"
    original = f"Content-Type: {last}\n\n{TRACE}{NAMED}"
    mail = report(f"{status}Action: failed\nStatus: 5.1.1\n", original, kind="message/global-delivery-status")
    event = one(mail.replace("report-type=disposition-notification", "report-type=global-delivery-status"))
    assert (event.original_recipient, event.recipient) == ("grün@dest.test", "grün@dest.test")
    assert event.leg == leg_of("origin", ORIGIN, "grün@dest.test", key=KEY)
    assert event.next_leg == leg_of("dest", HERE, "grün2@dest.test", key=KEY)
    receipt = "Final-Recipient: utf-8; gr\\x{FC}n@dest.test\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    event = one(report(receipt, original, kind="message/global-disposition-notification"))
    assert (event.kind, event.recipient, event.message_key) == (Kind.READ, "grün@dest.test", KEY)


@pytest.mark.parametrize("action", ["deliverable", "Undeliverable", "deliverable (to mailbox)"])
def test_a_probe_is_no_message(action: str) -> None:
    """What `sendmail -bv` asks of an address is answered by a report; nobody has custody of anything."""
    by = parser()
    probe = f"Final-Recipient: rfc822; carol@dest.test\nAction: {action}\nStatus: 2.1.5\n"
    assert not feed(by, report(f"{ABOUT}\n{probe}\n{probe}").encode(), report(f"\n{probe}", "").encode())
    assert by.counts.ignored == {"a probe of an address": 3}
    assert not by.counts.unread


def test_an_internationalised_report_without_its_status() -> None:
    """It says itself that it is one."""
    by = parser()
    assert not feed(by, report("", kind="text/plain").replace("=disposition", "=global-disposition").encode())
    assert by.counts.unread == {"a report without its status part": 1}


def _bounce(words: str, sender: str = "MAILER-DAEMON@dest.test", more: str = "") -> str:
    """A mail from a mail system in words of its own."""
    return f"{HEAD.replace('MAILER-DAEMON@dest.test', sender)}{more}\n{words}\n"


WORDS = {
    "exim's warning": _bounce(
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been"
        " delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\n  carol@dest.test\n",
        more="Auto-Submitted: auto-replied\nReferences: <wild-1@origin.test>\n",
    ),
    "domino": _bounce("Your message\n  Subject: x\nwas not delivered to:\n  carol@dest.test\n", "Postmaster@dest.test"),
    "html": _bounce("<p>Delivery to carol@dest.test failed</p>", more="Content-Type: text/html\n"),
    "no return-path": _bounce("Not delivered: carol").partition("\n")[2],
    "its own return-path": _bounce("Not delivered: carol").replace("Path: <>", "Path: <MAILER-DAEMON@dest.test>"),
    "a name": _bounce("Not delivered: carol", "noreply@dest.test"),
    "a postmaster": _bounce("Not delivered: carol", "Postmaster@dest.test").replace(
        "Path: <>", "Path: <MAILER-DAEMON@origin.test>"
    ),
    "a postmaster, no return-path": _bounce("Not delivered: carol", "Postmaster@dest.test").partition("\n")[2],
    "sendmail's own return-path": _bounce("Not delivered: carol", "noreply@dest.test").replace(
        "Path: <>", "Path: <MAILER-DAEMON>"
    ),
    "forwarded": _bounce(
        f"--o\nContent-Type: message/rfc822\n\n{report()}\n--o--", more="Content-Type: multipart/mixed; boundary=o\n"
    ),
    "several parts": _bounce("--o\n\nno\n--o--", more="Content-Type: multipart/report; boundary=o\n"),
}


@pytest.mark.parametrize("mail", WORDS.values(), ids=WORDS.keys())
def test_a_bounce_in_words_that_are_not_known(mail: str) -> None:
    """From a mail system, to be answered by nobody: it is counted with its place, whatever it says."""
    by = parser()
    assert not feed(by, mail.encode())
    assert by.counts.unread == {"a bounce in words that are not known": 1}
    assert [(example.file, example.offset) for example in by.counts.examples] == [("reports", 0)]
    assert not by.counts.ignored


@pytest.mark.parametrize(
    ("sender", "path"),
    [("bob@dest.test", ""), ("postmaster@dest.test", "<postmaster-7@bulk.test>"), ("bob@dest.test", "<MAILER-DAEMON>")],
)
def test_who_answers_is_no_mail_system(sender: str, path: str) -> None:
    """A person, or a list with a return path of its own, may write of mailboxes."""
    by = parser()
    mail = _bounce("Not delivered: carol", sender).replace("Mail Delivery System", "x")
    mail = mail.replace("Return-Path: <>", f"Return-Path: {path}") if path else mail.partition("\n")[2]
    assert not feed(by, mail.encode())
    assert by.counts.ignored == {"mail that is no report": 1}


@pytest.mark.parametrize(
    "said",
    [
        "    (reason: 550 5.1.1 <carol.old@store.test>... User unknown)\n    (expanded from: <boss@dest.test>)\n",
        "\t(reason: 550 <carol.old@store.test>)\n",
        "(expanded from: boss@dest.test)\n",
        "    550 no such user here: carol.old@store.test\n",
    ],
)
def test_what_is_said_below_an_address_is_no_recipient(said: str) -> None:
    """Sendmail says below each address why, and what it was expanded from."""
    other = "dave@dest.test\n"
    mail = SENDMAIL_OLD.replace("<carol@dest.test>\n\n", f"<carol@dest.test>\n{said}{other}{said}\n")
    assert said in mail
    assert not {event.recipient for event in read(mail.encode())} & {"carol.old@store.test"}
    assert len(read(mail.encode())) == 2


def test_what_sendmail_says_of_an_address() -> None:
    """Why it failed, with the status in it, and which alias it stands for: the originator knows that."""
    said = (
        "<carol.old@store.test>\n    (reason: 550 5.1.1 <x@store.test>... User unknown)\n"
        "    (expanded from: <carol@dest.test>)\n"
        "dave@dest.test\n    (reason: 550 Host unknown)\n    (expanded from: dave)\n"
    )
    carol, dave = read(SENDMAIL_OLD.replace("<carol@dest.test>\n\n", f"{said}\n", 1).encode())
    assert (carol.recipient, carol.original_recipient, carol.leg) == (TO, TO, AT_ORIGIN)
    assert (carol.status, carol.diagnostic) == ("5.1.1", "550 5.1.1 <x@store.test>... User unknown")
    assert (dave.recipient, dave.original_recipient) == ("dave@dest.test", None)
    assert (dave.status, dave.diagnostic) == (None, "550 Host unknown")


def test_a_postmaster_s_bounce_in_known_words() -> None:
    """Who sends it is a mail system, though its return path is not empty: it is read."""
    mail = QMAIL.replace("Return-Path: <>", "Return-Path: <MAILER-DAEMON@dest.test>")
    assert told(read(mail.replace("<MAILER-DAEMON@dest.test>\nSubj", "<postmaster@dest.test>\nSubj").encode())) == told(
        read(QMAIL.encode())
    )


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("Hi. This is the qmail-send", "This mail was made by a program.\nHi. This is the qmail-send"),
        ("Hi. This is the qmail-send", "\n \nAn automatic mail.\n\nHi. This is the deliver"),
        (
            QMAIL[QMAIL.index("Hi. This") : QMAIL.index("\n<carol")],
            "Sorry, we were unable to deliver your message to the following address.\n",
        ),
    ],
    ids=["a line", "a paragraph", "yahoo"],
)
def test_openings_of_qmail_s_format(change: str, to: str) -> None:
    """Gateways put lines before it, Yahoo says it otherwise."""
    assert change in QMAIL
    assert told(read(QMAIL.replace(change, to).encode())) == told(read(QMAIL.encode()))


def test_a_report_wrapped_by_a_list() -> None:
    """A gateway may put a report into a mail of several parts."""
    inner = report().partition("\n\n")[2]
    mail = (
        f"{HEAD}Content-Type: multipart/mixed; boundary=outer\n\n--outer\n\nfooter\n--outer\n"
        f"Content-Type: multipart/report; boundary=b\n\n{inner}\n--outer--\n"
    )
    assert told([one(mail)]) == [("failed", "5.1.1", TO)]
