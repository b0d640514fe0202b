"""What stands around a line that a program wrote: other words where its host stands, and lines of others.

Rules:
- Of words where the host stands the last is the host: a relay puts the address before it that a line came from
  (rsyslog). Behind it may stand a level (`<info>`, `INFO`), or a facility with one (`mail.info`, BusyBox).
- A container's output is written again by its runtime: behind a time and a stream (CRI: `stdout F `), or as the text of
  a line that names the container as its program (docker's drivers for syslog and journald). What counts is the line
  within, but for its time: the outer one knows year and zone.
- Any program may quote a line of Postfix's, and foreign text may look like one: the text of a line is a line only where
  it tells the time of the line that it stands in, as clocks of any zone show it.
"""

import re
from typing import Final

SECOND: Final = 1_000_000
QUARTER: Final = 900
"""Seconds by multiples of which time zones differ."""

LATE: Final = 5
"""Seconds between what a container writes and when its runtime does."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

BEGINNINGS: Final = frozenset({*_MONTHS, "std", "199", *(f"{decade}" for decade in range(200, 220))})
"""How what a runtime writes behind a time begins, and most lines within others."""

_PRIORITY: Final = "<"
_STREAM: Final = re.compile(r"std(?:out|err) [FP] ")
_DATE: Final = re.compile(
    rf"(?:<\d{{1,3}}>)?(?:(?:{'|'.join(_MONTHS)}) [ 0-3]\d|\d{{4}}-\d\d-\d\d(?=[T ]))[T ][012]\d:([0-5]\d):([0-6]\d)"
    r"(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)? "
)
_LEVEL: Final = re.compile(r"<\w+>|EMERG|PANIC|ALERT|CRIT(?:ICAL)?|ERR(?:OR)?|WARN(?:ING)?|NOTICE|INFO|DEBUG")
_FACILITY: Final = re.compile(
    r"(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])"
    r"\.(?:emerg|panic|alert|crit|err|error|warn|warning|notice|info|debug)"
)


def host_in(words: str) -> str:
    """The host among the words before a program; "" where there is none."""
    *before, last = words.split() or [""]
    if _LEVEL.fullmatch(last) or (before and _FACILITY.fullmatch(last)):
        return before[-1] if before else ""
    return last


def inner(text: str) -> str:
    """What follows a time and begins with one of BEGINNINGS, without the stream and the time of a container's line."""
    if stream := _STREAM.match(text):
        text = text[stream.end() :]
    date = _DATE.match(text)
    return text[date.end() :] if date else text


def may_be_line(text: str) -> bool:
    """Does the text of a line begin as a line does; one look tells nearly all others from it."""
    return text[:3] in BEGINNINGS or text[:1] == _PRIORITY


def unwrapped(said: str, at: int) -> str:
    """The line of a container that stands as the text of another, `host program[pid]: text`; any other as it is.

    Args:
        said: what follows the time of a line.
        at: that time, microseconds.
    """
    text = said.partition(": ")[2]
    if not may_be_line(text):
        return said
    date = _DATE.match(text)
    return text[date.end() :] if date and _is_near(at // SECOND, int(date[1]) * 60 + int(date[2])) else said


def _is_near(second: int, other: int) -> bool:
    """Do minutes and seconds of two clocks agree, but for the quarters of an hour that zones differ by."""
    apart = (second - other) % QUARTER
    return min(apart, QUARTER - apart) <= LATE
