"""Reports and receipts for tests: the sample day's, the samples' single cases, and forms that the wild has.

The wild ones are written from knowledge of what these systems send; their content is invented.
"""

import io
import lzma
import tarfile
from functools import lru_cache

from streams.collect.declaration import Source
from streams.collect.parser import Piece
from streams.collect.reports import ReportParser
from streams.core.events import MessageEvent
from streams.core.identity import leg_of
from tests.collect.postfix_logs import DATA, DECLARATION, OBSERVED


def parser() -> ReportParser:
    """A parser of reports."""
    return ReportParser(Source(name="reports", kind="reports"), DECLARATION)


def feed(by: ReportParser, *mails: bytes) -> list[MessageEvent]:
    """The events of some mails."""
    pieces = [Piece(offset=number, raw=mail) for number, mail in enumerate(mails)]
    return list(by.parse(pieces, file="reports", observed_at=OBSERVED))


def read(*mails: bytes) -> list[MessageEvent]:
    """The events of some mails."""
    return feed(parser(), *mails)


def one(mail: bytes | str) -> MessageEvent:
    """The one event of a mail."""
    (event,) = read(mail.encode() if isinstance(mail, str) else mail)
    return event


@lru_cache
def _mails(place: str) -> dict[str, bytes]:
    raw = lzma.decompress((DATA / place).read_bytes())
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        held = {member.name.rpartition("/")[2]: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in held.items() if file}


def day() -> dict[str, bytes]:
    """The sample day's reports and receipts, by file name."""
    return _mails("day/reports.tar.xz")


def cases() -> dict[str, bytes]:
    """The samples' single mails, by file name."""
    return _mails("reports/cases.tar.xz")


ORIGIN, HERE = "4jYLkJ5vvDz1TBgB", "4jYLkJ5yMTz1TBgT"
"""Queue ids of a message at origin and at dest."""

TRACE = f"""Received: from origin.lab.test (unknown [127.0.0.11])
\tby dest.lab.test (Postfix) with ESMTP id {HERE}
\tfor <carol@dest.test>; Mon, 23 Nov 2026 22:50:16 +0000 (UTC)
Received: from client.test (unknown [127.0.0.1])
\tby origin.lab.test (Postfix) with ESMTP id {ORIGIN};
\tMon, 23 Nov 2026 22:50:16 +0000 (UTC)
"""
NAMED = """From: alice@origin.test
To: carol@dest.test
Subject: secret
Message-ID: <wild-1@origin.test>
"""
ABOUT = f"Reporting-MTA: dns; dest.lab.test\nX-Postfix-Queue-ID: {HERE}\n"
CAROL = "Final-Recipient: rfc822; carol@dest.test\nAction: failed\nStatus: 5.1.1\n"
ORIGINAL = f"Content-Type: text/rfc822-headers\n\n{TRACE}{NAMED}"
HEAD = """Return-Path: <>
Received: from dest.lab.test (unknown [127.0.0.13])
\tby origin.lab.test (Postfix) with ESMTP id 4jYLkJ6ggdz1TBgT
\tfor <alice@origin.test>; Mon, 23 Nov 2026 22:50:17 +0000 (UTC)
Date: Mon, 23 Nov 2026 22:50:16 +0000
From: Mail Delivery System <MAILER-DAEMON@dest.test>
Subject: secret too
To: alice@origin.test
Message-ID: <report-1@dest.test>
"""
REPORT, RECEIPT = "message/delivery-status", "message/disposition-notification"


def report(
    status: str = f"{ABOUT}\n{CAROL}", last: str | None = ORIGINAL, *, kind: str = REPORT, more: str = ""
) -> str:
    """A report (or receipt) of three parts; without the last one where `last` is None."""
    told = [f"Content-Type: text/plain\n\nIn words.\n\n--b\nContent-Type: {kind}\n\n{status}"]
    wanted = "\n--b\n".join(told + ([] if last is None else [last]))
    of = "delivery-status" if kind == REPORT else "disposition-notification"
    top = f'Content-Type: multipart/report; report-type={of};\n\tboundary="b"\n'
    return f"{HEAD}{more}{top}\nFor old readers.\n--b\n{wanted}\n--b--\n"


EXCHANGE = (
    HEAD
    + """In-Reply-To: <wild-1@origin.test>
Content-Language: en-US
Content-Type: multipart/report; report-type=delivery-status; boundary="_000_ex_"
MIME-Version: 1.0

--_000_ex_
Content-Type: multipart/alternative; differences=Content-Type; boundary="_001_ex_"

--_001_ex_
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:=20

--_001_ex_
Content-Type: text/html; charset="us-ascii"

<p>Delivery has failed</p>

--_001_ex_--

--_000_ex_
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.corp.example
Received-From-MTA: dns;origin.lab.test
Arrival-Date: Mon, 23 Nov 2026 22:50:14 +0000

Original-Recipient: rfc822;Carol@Dest.test
Final-Recipient: rfc822;carol@dest.test
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not
 found by SMTP address lookup
X-Display-Name: Carol

--_000_ex_
Content-Type: message/rfc822

"""
    + TRACE
    + NAMED
    + """
body

--_000_ex_--
"""
)

EXCHANGE_READ = """Received: from EX01.corp.example by EX02.corp.example; Mon, 23 Nov 2026 23:00:00 +0000
From: Carol <carol@dest.test>
To: alice@origin.test
Subject: Read: secret
Message-ID: <ex-receipt@corp.example>
In-Reply-To: <wild-1@origin.test>
Content-Type: multipart/report; report-type=disposition-notification;
\tboundary="_000_rn_"

--_000_rn_
Content-Type: text/plain; charset="utf-8"

Your message was read.

--_000_rn_
Content-Type: message/disposition-notification
X-MSExch-Correlation-Key: 0123456789==

Final-recipient: RFC822; carol@dest.test
Disposition: automatic-action/MDN-sent-automatically; displayed
X-MSExch-Correlation-Key: 0123456789==
Original-Message-ID: <wild-1@origin.test>

--_000_rn_--
"""

EXIM = (
    HEAD
    + """X-Failed-Recipients: carol@dest.test
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=1795474216-eximdsn-1
MIME-Version: 1.0

--1795474216-eximdsn-1
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1795474216-eximdsn-1
Content-type: message/delivery-status

Reporting-MTA: dns; mx.example

Action: failed
Final-Recipient: rfc822;carol@dest.test
Status: 5.0.0
Remote-MTA: dns; mail.dest.test
Diagnostic-Code: smtp; 550 no such user

--1795474216-eximdsn-1
Content-type: message/rfc822

Return-path: <alice@origin.test>
Received: from origin.lab.test ([127.0.0.11])
\tby mx.example with esmtp (Exim 4.96)
\t(envelope-from <alice@origin.test>)
\tid 1r6abc-0000xx-2Q
\tfor carol@dest.test; Mon, 23 Nov 2026 22:50:16 +0000
"""
    + TRACE.partition("(UTC)\n")[2]
    + NAMED
    + "\n--1795474216-eximdsn-1--\n"
)

EXIM_PLAIN = (
    HEAD
    + """X-Failed-Recipients: carol@dest.test,
  "dave jones"@dest.test

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  carol@dest.test
    SMTP error from remote mail server after RCPT TO:<carol@dest.test>:
    host mail.dest.test [127.0.0.13]: 550 5.1.1 no such user

------ This is a copy of the message, including all the headers. ------

Return-path: <alice@origin.test>
"""
    + TRACE
    + NAMED
    + "\nbody\n"
)

QMAIL = (
    HEAD
    + """
Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<carol@dest.test>:
127.0.0.13 does not like recipient.
Remote host said: 550 5.1.1 no such user
Giving up on 127.0.0.13.

<dave@dest.test>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <alice@origin.test>
Received: (qmail 1234 invoked by uid 0); 23 Nov 2026 22:50:16 -0000
"""
    + TRACE.partition("(UTC)\n")[2]
    + NAMED
    + "\nbody\n"
)

SENDMAIL = (
    HEAD
    + """Content-Type: multipart/report; report-type=delivery-status;
\tboundary="0ANMoG1x001234.1795474216/mx.example"

This is a MIME-encapsulated message

--0ANMoG1x001234.1795474216/mx.example

   ----- The following addresses had permanent fatal errors -----
<carol@dest.test>

--0ANMoG1x001234.1795474216/mx.example
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Received-From-MTA: DNS; origin.lab.test
Arrival-Date: Mon, 23 Nov 2026 22:50:16 GMT

Final-Recipient: RFC822; carol@dest.test
X-Actual-Recipient: RFC822; carol@mail.dest.test
Action: failed
Status: 5.1.1
Remote-MTA: DNS; mail.dest.test
Diagnostic-Code: SMTP; 550 5.1.1 <carol@dest.test>... User unknown
Last-Attempt-Date: Mon, 23 Nov 2026 22:50:16 GMT

Final-Recipient: RFC822; dave@dest.test
Action: delivered (to mailbox)
Status: 2.1.5

Final-Recipient: RFC822; eve@dest.test
Action: relayed (to non-DSN-aware mailer)
Status: 2.6.0

--0ANMoG1x001234.1795474216/mx.example
Content-Type: text/rfc822-headers

"""
    + TRACE
    + NAMED
    + "\n--0ANMoG1x001234.1795474216/mx.example--\n"
)

SENDMAIL_OLD = (
    HEAD
    + """
   ----- The following addresses had permanent fatal errors -----
<carol@dest.test>

   ----- Transcript of session follows -----
550 <carol@dest.test>... User unknown

   ----- Original message follows -----
"""
    + TRACE
    + NAMED
    + "\nbody\n"
)

GMAIL = (
    HEAD
    + """X-Failed-Recipients: carol@dest.test
References: <wild-1@origin.test>
In-Reply-To: <wild-1@origin.test>
Content-Type: multipart/report; boundary="0000000000001"; report-type=delivery-status

--0000000000001
Content-Type: multipart/related; boundary="0000000000002"

--0000000000002
Content-Type: multipart/alternative; boundary="0000000000003"

--0000000000003
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--0000000000003--
--0000000000002
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=

--0000000000002--
--0000000000001
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; alice@origin.test
Arrival-Date: Mon, 23 Nov 2026 14:50:16 -0800 (PST)
X-Original-Message-ID: <wild-1@origin.test>

Final-Recipient: rfc822; carol@dest.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com. (192.0.2.26, the server for the domain dest.test.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
Last-Attempt-Date: Mon, 23 Nov 2026 14:50:16 -0800 (PST)

--0000000000001
Content-Type: message/rfc822

X-Received: by 2002:a17:902:: with SMTP id x;
        Mon, 23 Nov 2026 14:50:16 -0800 (PST)
MIME-Version: 1.0
From: alice@origin.test
Subject: secret

--0000000000001--
"""
)

KEY, TO = "wild-1@origin.test", "carol@dest.test"
AT_ORIGIN = leg_of("origin", ORIGIN, TO, key=KEY)


def told(events: list[MessageEvent]) -> list[tuple[str | None, str | None, str]]:
    """Action, status and recipient of some events."""
    return [(event.action, event.status, event.recipient) for event in events]
