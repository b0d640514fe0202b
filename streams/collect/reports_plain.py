"""Reports of failure in plain words: what qmail, Exim and old sendmails send instead of RFC 3464.

Sources: D. J. Bernstein, "The qmail-send Bounce Message Format" (a paragraph that begins with "<" names a recipient and
says why; one that begins with "-" is the break before the original message), which Yahoo writes with an opening of its
own; Exim's X-Failed-Recipients field; sendmail 8.6's "had permanent fatal errors". They know failures only.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from streams.collect.reports_mail import Fields, Part, fields, grouped
from streams.collect.reports_text import address

RECIPIENTS = 500
"""Recipients of one such report."""

WORDS = 500
"""Characters of its words that are kept."""

_DAEMON = "mailer-daemon"
_DAEMONS = re.compile(r"mailer-?daemon|postmaster|mail delivery (?:sub)?system", re.IGNORECASE)
"""Whom a bounce comes from; a person or a program that answers has a name of its own."""

TEXT = 512 * 1024
"""Bytes of the words that are looked at."""

_OPENING = 2_000
"""Characters in which a bounce says what it is."""

_SAID = 64 * 1024
"""Characters in which an address's reason is looked for."""

_BELOW = (" ", "\t", "(")
"""How lines begin that sendmail writes below an address."""

_ADDRESS = re.compile(r"\n(?![ \t(])")
_REASON = re.compile(r"^[ \t]*\(reason: (.*)\)[ \t]*$", re.MULTILINE)
_ALIAS = re.compile(r"^[ \t]*\(expanded from: ([^\s@]+@[^\s@)]+)\)[ \t]*$", re.MULTILINE)
"""An alias without a domain is one that no originator has written to."""

_QMAIL = re.compile(r"^(?:Hi\. This is the |Sorry, we were unable to deliver your message)", re.MULTILINE)
_FATAL = re.compile(r"^ *-{3,} The following addresses had permanent fatal errors", re.MULTILINE)
_BREAK = re.compile(
    r"^ *-{3,} ?(?:Below this line is a copy|This is a copy of|Original message|Message header follows|"
    r"Unsent message follows|Returned message follows)[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)


class Failure(NamedTuple):
    """A recipient that was not reached, why, and which alias it stands for; "" where that is not said."""

    recipient: str
    reason: str
    alias: str = ""


class Plain(NamedTuple):
    """A report in plain words.

    Attributes:
        failures: none where its words are not known.
        original: fields of the original message; empty where there are none.
        cut: which bound left out others; "" where none did.
    """

    failures: list[Failure]
    original: Fields
    cut: str = ""


def plain(mail: Part, parts: Sequence[Part]) -> Plain | None:
    """A report in plain words, known or not, or None where a mail is none: a person may quote one, a program answer."""
    if not _may_bounce(mail):
        return None
    body = next((one for one in parts if one.kind == "text/plain"), None)
    content = body.content() if body else b""
    text = content[:TEXT].decode("utf-8", "replace").replace("\0", "\ufffd")
    found = _BREAK.search(text)
    said, rest = (text[: found.start()], text[found.end() :]) if found else (text, "")
    failures = _qmail(said) or _exim(mail, said) or _sendmail(said)
    if not failures:
        return Plain([], {}) if _of_a_daemon(mail) else None
    cut = f"a bounce cut at {TEXT} bytes" if len(content) > TEXT and "\n\n" not in rest.lstrip("\n") else ""
    if len(failures) > RECIPIENTS:
        cut = f"a bounce of more than {RECIPIENTS} recipients"
    return Plain(failures[:RECIPIENTS], _headers(rest), cut)


def _may_bounce(mail: Part) -> bool:
    """Nobody is to answer a mail, or it is from a mail system; a person may write as postmaster, to be answered."""
    path = mail.first("return-path").lower()
    if path == "<>" or _DAEMON in mail.first("from").lower():
        return True
    return _of_a_daemon(mail) and "postmaster" not in path


def _of_a_daemon(mail: Part) -> bool:
    """Is a mail a bounce, whatever it says: from a mail system, to be answered by nobody."""
    path = mail.first("return-path")
    return bool(_DAEMONS.search(mail.first("from")) and (path in {"", "<>"} or _DAEMONS.search(path)))


def _qmail(text: str) -> list[Failure]:
    if not _QMAIL.search(text[:_OPENING]):
        return []
    paragraphs = (one.strip("\n") for one in text.split("\n\n"))
    return [_paragraph(one) for one in paragraphs if one.startswith("<") and ">:" in one]


def _paragraph(text: str) -> Failure:
    recipient, _, reason = text.partition(">:")
    return Failure(address(recipient + ">"), " ".join(reason.split())[:WORDS])


def _exim(mail: Part, text: str) -> list[Failure]:
    """The field names them; the words indented below an address say why."""
    return [Failure(one, _indented(text, one)) for one in failed(mail)]


def failed(mail: Part) -> list[str]:
    """Whom a mail's own header names as not reached; other mailers than Exim write the field, too."""
    named = ",".join(mail.fields.get("x-failed-recipients", [])).split(",", RECIPIENTS)
    return [found for one in named if (found := address(one))]


def _indented(text: str, recipient: str) -> str:
    _, found, rest = text[:_SAID].partition(f"\n  {recipient}\n")
    return " ".join(rest.partition("\n\n")[0].split())[:WORDS] if found else ""


def _sendmail(text: str) -> list[Failure]:
    found = _FATAL.search(text)
    if not found:
        return []
    blocks = _ADDRESS.split(text[found.end() :].partition("\n")[2].partition("\n\n")[0])
    pairs = (one.partition("\n") for one in blocks)
    return [_described(line, below) for line, _, below in pairs if "@" in line and not line.startswith(_BELOW)]


def _described(line: str, below: str) -> Failure:
    """An address, and what sendmail says of it in the lines below."""
    reason, alias = _REASON.search(below), _ALIAS.search(below)
    return Failure(address(line), reason[1][:WORDS] if reason else "", address(alias[1]) if alias else "")


def _headers(text: str) -> Fields:
    return grouped(fields(text.lstrip("\n").partition("\n\n")[0].encode("utf-8", "replace")))
