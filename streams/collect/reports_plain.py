"""Reports of failure in plain words: what qmail, Exim and old sendmails send instead of RFC 3464.

Sources: D. J. Bernstein, "The qmail-send Bounce Message Format" (a paragraph that begins with "<" names a recipient and
says why; one that begins with "-" is the break before the original message); Exim's X-Failed-Recipients field; sendmail
8.6's "had permanent fatal errors". They know failures only.
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
_SAID = 64 * 1024
"""Characters in which an address's reason is looked for."""

_QMAIL = "Hi. This is the "
_FATAL = re.compile(r"^ *-{3,} The following addresses had permanent fatal errors", re.MULTILINE)
_BREAK = re.compile(
    r"^ *-{3,} ?(?:Below this line is a copy|This is a copy of|Original message|Message header follows|"
    r"Unsent message follows|Returned message follows)[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)


class Failure(NamedTuple):
    """A recipient that was not reached, and why."""

    recipient: str
    reason: str


class Plain(NamedTuple):
    """A report in plain words.

    Attributes:
        failures: at least one.
        original: fields of the original message; empty where there are none.
    """

    failures: list[Failure]
    original: Fields


def plain(mail: Part, parts: Sequence[Part]) -> Plain | None:
    """A report in plain words, or None where a mail is none: a person may quote one."""
    if mail.first("return-path") != "<>" and _DAEMON not in mail.first("from").lower():
        return None
    body = next((one for one in parts if one.kind == "text/plain"), None)
    text = body.content().decode("utf-8", "replace").replace("\0", "\ufffd") if body else ""
    found = _BREAK.search(text)
    said, rest = (text[: found.start()], text[found.end() :]) if found else (text, "")
    failures = _qmail(said) or _exim(mail, said) or _sendmail(said)
    return Plain(failures[:RECIPIENTS], _headers(rest)) if failures else None


def _qmail(text: str) -> list[Failure]:
    if not text.lstrip().startswith(_QMAIL):
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
    return [found for one in named[:RECIPIENTS] if (found := address(one))]


def _indented(text: str, recipient: str) -> str:
    _, found, rest = text[:_SAID].partition(f"\n  {recipient}\n")
    return " ".join(rest.partition("\n\n")[0].split())[:WORDS] if found else ""


def _sendmail(text: str) -> list[Failure]:
    found = _FATAL.search(text)
    if not found:
        return []
    lines = text[found.end() :].partition("\n")[2].partition("\n\n")[0].split("\n")
    return [Failure(address(line), "") for line in lines if "@" in line]


def _headers(text: str) -> Fields:
    return grouped(fields(text.lstrip("\n").partition("\n\n")[0].encode("utf-8", "replace")))
