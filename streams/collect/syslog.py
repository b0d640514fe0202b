"""The prefix of a log line, in every form that mail systems' lines come in.

Forms: traditional (`Nov 23 22:48:16 host program[pid]: text`, RFC 3164 with or without its `<PRI>`, with a fraction,
with what FreeBSD and Solaris add), RFC 3339 time in place of that date (a blank may be its T) or before it (docker,
CRI), RFC 5424, and `journalctl -o json`.

Rules:
- A year-less time takes the year it is told (the year of the first line; December to January goes on to the next, but
  not to one that is yet to come at `reference`: then another log of the source began), or the latest year that does
  not put it after `reference` by more than a day. December after January is of the year before only where it comes
  late over the turn of the year, or where this year's is yet to come.
- A local time without offset is of the zone it is told. In the repeated hour at the end of summer time the order of
  lines decides: a line does not go back before the one before it. Who knows better is believed from there on.
- The reader's memory (last month, last time) is part of the parser's checkpoint.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.collect.journal import said
from streams.collect.parser import text_of, without_nul
from streams.collect.wrapping import BEGINNINGS, host_in, inner, unwrapped
from streams.core.errors import Misuse
from streams.core.moments import EPOCH, MICRO, leap_second

_MONTHS = {
    name: n
    for n, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}
_DAY = timedelta(days=1)
_LATE = 2 * _DAY
"""By how much a line may come late over the turn of the year."""

_SLACK = 5_000_000
"""Microseconds by which lines of one log may be out of order."""

DATED = 16
"""Characters of `Nov 23 22:48:16 `."""

_MINUTE = 13
"""Characters of `Nov 23 22:48:`."""

_FRACTION, _ZONE = 20, 26
"""Characters of `2026-11-23T22:48:16.` and of `2026-11-23T22:48:16.123456`."""

_SECOND = 1_000_000
_LEAP = 60
"""The second that is put in at the end of a day."""

_DAY_SECONDS = 86_400
_EPOCH_SECONDS = EPOCH.toordinal() * _DAY_SECONDS
EARLIEST, LATEST = 1990, 2200
"""Years in which a line may be written; one of a year to come would draw the clock there."""

_EARLIEST, _LATEST = ((datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // MICRO for year in (EARLIEST, LATEST))

_JANUARY, _DECEMBER, _HALF_A_YEAR = 1, 12, 6

_DAY_ALONE = 10
"""Characters of `2026-11-23`, the longest time that has no clock."""

_SECONDS = {f"{second:02}": second * _SECOND for second in range(60)}
_CLOCK = re.compile(r" ([ 0-3][0-9]) ([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)")
_PART = re.compile(r"[.,]([0-9]+) ")
_OFFSET = re.compile(r"([+-][0-9]{2}:?[0-9]{2}) ")
_PRIORITY = re.compile(r"<\w+\.\w+> |(\S+ \S+: )\[ID \d+ \w+\.\w+\] ")
"""Facility and priority as FreeBSD's daemon writes them, before the host, and Solaris' programs, before the text."""

NO_DATE = "\0"
"""No date; no text that was read has a NUL."""

_STRUCTURED = re.compile(r'-|(?:\[[^\s\]"]++(?: [^\s=\]"]++="[^"\\]*+(?:\\.[^"\\]*+)*+")*+\])++')
"""RFC 5424 6.3: nothing, or elements whose quoted values may hold brackets. Nothing is tried twice."""

_SYSLOG = re.compile(r"syslog|journal|^imuxsock$")
"""In the names of daemons that take log lines: rsyslogd, rsyslogd-2177, syslog-ng, systemd-journald, imjournal."""

_LOST = re.compile(
    r"\blost \d+ messages|\b\d+ messages lost|\bSuppressed \d+ messages from \S*(?:postfix|dovecot|mail|syslog)"
    r"|\bbegin to drop messages",
    re.IGNORECASE,
)


class Line(NamedTuple):
    """A line without its prefix.

    Attributes:
        at: microseconds UTC.
        host: as the line says; "" where it says none.
        program: `postfix-relay/smtpd`, `dovecot`.
        pid: "" where the line says none.
        text: the rest.
    """

    at: int
    host: str
    program: str
    pid: str
    text: str


class Reader:
    """Reads prefixes of one log, in order.

    Attributes:
        date: of the last line in the traditional form, as it stands there, with its blank; NO_DATE where more than
            that must be taken away, or had to be from a line before.
        at: what that means, microseconds UTC.
    """

    def __init__(self, year: int | None = None, timezone: str = "UTC", reference: int | None = None) -> None:
        """Set what year-less and zone-less times mean.

        Args:
            year: of the first line; None: guessed from `reference`.
            timezone: IANA name.
            reference: microseconds UTC that no line is later than (by more than a day); None: no limit is known yet.

        Raises:
            Misuse: no such time zone.
        """
        try:
            self.zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError) as error:
            raise Misuse(
                f"There is no time zone {timezone[:60]!r}.", hint="use an IANA name such as Europe/Berlin"
            ) from error
        self.year, self.reference = year, reference
        self.month, self.last = 0, 0
        self.date, self.at, self._dressed = NO_DATE, 0, False
        self._minute: tuple[str, int | None] = NO_DATE, None
        self._minute_at = 0
        self._second, self._second_at = NO_DATE, 0

    def read(self, raw: bytes) -> Line | None:
        """The line's parts, or None where its form is none of the known."""
        timed = self.timed(text_of(raw))
        return None if timed is None else _tagged(timed[0], unwrapped(timed[1], timed[0]))

    def timed(self, text: str) -> tuple[int, str] | None:
        """The line's time, and `host program[pid]: text` (host and program are "-" where the line says none).

        Most lines share their second with the line before: its date is not read again.

        Args:
            text: the line, without NUL.
        """
        if text.startswith(self.date):
            return self.at, _bare(text[DATED:])
        match text[:1]:
            case "{":
                return _journal(text)
            case "<":
                return self._with_priority(text)
            case first if first.isdigit():
                return self._isotime(text)
            case _:
                return self._traditional(text)

    def state(self) -> tuple[int | None, int, int]:
        """What the checkpoint keeps."""
        return self.year, self.month, self.last

    def restore(self, state: tuple[int | None, int, int]) -> None:
        """Go on as if never stopped."""
        self.year, self.month, self.last = state
        self.date, self._minute = NO_DATE, (NO_DATE, None)

    def other(self, at: int) -> int:
        """What else the last line's time may mean, microseconds UTC: in the repeated hour; else it is `at`.

        Args:
            at: what it was understood as.
        """
        if not at <= self.last <= at + _SLACK:  # it had an offset
            return at
        moment = (EPOCH + at * MICRO).astimezone(self.zone)
        return (moment.replace(fold=1 - moment.fold) - EPOCH) // MICRO

    def correct(self, at: int) -> None:
        """The last line's time is `at`, and the next does not go back before it."""
        self.last = at
        self.date, self._minute = NO_DATE, (NO_DATE, None)

    def _with_priority(self, text: str) -> tuple[int, str] | None:
        _, _, rest = text.partition(">")
        if rest.startswith("1 "):
            return self._rfc5424(rest[2:])
        return self._isotime(rest) if rest[:1].isdigit() else self._traditional(rest)

    def _rfc5424(self, text: str) -> tuple[int, str] | None:
        parts = text.split(" ", 5)
        if len(parts) < 6:  # noqa: PLR2004 - RFC 5424 section 6
            return None
        time, host, program, pid, _, rest = parts
        at = self._iso(time)
        return None if at is None else (at, _head(host, program, pid.removeprefix("-")) + _message(rest))

    def _isotime(self, text: str) -> tuple[int, str] | None:
        """Most times differ from the one before in their microseconds only."""
        time, _, rest = text.partition(" ")
        if len(time) == _DAY_ALONE:
            time, rest = _with_clock(time, rest)
        elif rest[:3] in BEGINNINGS:  # docker logs -t, CRI
            rest = _bare(inner(rest))
        second, micros = time[:_FRACTION] + time[_ZONE:], time[_FRACTION:_ZONE]
        is_plain = micros.isdigit() and micros.isascii()
        if is_plain and second == self._second:
            return self._second_at + int(micros), rest
        at = self._iso(time)
        if at is None:
            return None
        if (
            is_plain and time[_FRACTION - 1] in ".," and time[_ZONE:]
        ):  # without its zone, a time takes the order of lines to understand
            self._second, self._second_at = second, at - int(micros)
        return at, rest

    def _iso(self, time: str) -> int | None:
        if len(time) <= _DAY_ALONE:
            return None
        moment: datetime | None
        try:
            moment = datetime.fromisoformat(time)
        except ValueError:
            moment = leap_second(time)
        if moment is None or not EARLIEST <= moment.year < LATEST:
            return None
        if moment.tzinfo is None:
            return _within(self._local(moment))
        whole = moment.toordinal() * _DAY_SECONDS + moment.hour * 3600 + moment.minute * 60 + moment.second
        at = (whole - _EPOCH_SECONDS) * _SECOND + moment.microsecond - _offset(moment)
        return at if _EARLIEST <= at < _LATEST else None

    def _traditional(self, text: str) -> tuple[int, str] | None:
        if text.startswith(self.date):  # behind its <PRI>
            return self.at, _bare(text[DATED:])
        at = self._in_minute(text[: DATED - 1])
        if at is None:
            return None
        if part := _PART.match(text, DATED - 1):
            at += int(f"{part[1]:0<6}"[:6])
            self.last = max(self.last, at)
        rest = text[part.end() if part else DATED :]
        bare = _bare(rest)
        self._dressed = self._dressed or bare is not rest
        is_plain = not self._dressed and text[DATED - 1 : DATED] == " "
        self.date, self.at = text[:DATED] if is_plain else NO_DATE, at
        return at, bare

    def _in_minute(self, date: str) -> int | None:
        """The time of a date; most are of the same minute as the one before, whose beginning is known."""
        second, minute = _SECONDS.get(date[_MINUTE:]), (date[:_MINUTE], self.reference)
        if second is not None and minute == self._minute and self._minute_at + second >= self.last:
            self.last = at = self._minute_at + second
            return at  # one that goes back may be of the hour that is repeated
        found = self._yearless(date)
        if found is not None and second is not None:
            self._minute, self._minute_at = minute, found - second
        return found

    def _yearless(self, date: str) -> int | None:
        month, clock = _MONTHS.get(date[:3]), _CLOCK.fullmatch(date[3:])
        if month is None or clock is None:
            return None
        day, hour, minute, second = map(int, clock.groups())
        leap = second // _LEAP  # it is not of its month any more, once it is added
        try:
            at = self._dated(month, timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second - leap))
        except (ValueError, OverflowError):
            return None
        if leap:
            at += _SECOND
            self.last = max(self.last, at)
        return _within(at)

    def _dated(self, month: int, rest: timedelta) -> int:
        if self.year is None:
            return self._guessed(month, rest)
        if month == _DECEMBER and self.month == _JANUARY and self._is_of_last_year(self.year, rest):
            return self._local(_in_month(self.year - 1, month, rest))
        if self.month - month > _HALF_A_YEAR and self._is_past(self.year + 1, month, rest):
            if self.year + 1 >= LATEST:
                raise ValueError("months that go round and round")
            self.year += 1
        self.month = month
        return self._local(_in_month(self.year, month, rest))

    def _is_of_last_year(self, year: int, rest: timedelta) -> bool:
        """Is a December that follows a January the one before it; else the months between are missing from the log."""
        before = _in_month(year - 1, _DECEMBER, rest).replace(tzinfo=self.zone)
        return EPOCH + self.last * MICRO - before <= _LATE or not self._is_past(year, _DECEMBER, rest)

    def _is_past(self, year: int, month: int, rest: timedelta) -> bool:
        """May a line have been written then; what is later than the reference by more than a day was not."""
        if self.reference is None:
            return True
        return _in_month(year, month, rest).replace(tzinfo=self.zone) <= EPOCH + self.reference * MICRO + _DAY

    def _guessed(self, month: int, rest: timedelta) -> int:
        if self.reference is None:
            raise ValueError("a year-less time needs a year or a reference")
        limit = EPOCH + self.reference * MICRO + _DAY
        for year in range(limit.year, limit.year - 9, -1):  # 29 February may be eight years back
            moment = _in_month(year, month, rest)
            if moment.month == month and moment.replace(tzinfo=UTC) <= limit + _DAY:
                return self._local(moment)
        raise ValueError("no such day")

    def _local(self, moment: datetime) -> int:
        """A time of the source's zone; the repeated hour is decided by the line before."""
        at = (moment.replace(tzinfo=self.zone) - EPOCH) // MICRO
        if at < self.last - _SLACK:
            again = (moment.replace(tzinfo=self.zone, fold=1) - EPOCH) // MICRO
            at = max(at, again)
        self.last = max(self.last, at)
        return at


def lost_lines(program: str, text: str) -> bool:
    """Does a syslog daemon say that it lost lines, or held them back: what they told is missing from the log.

    Args:
        program: that the line is of, as it stands there, with or without its process.
        text: what it says, without its prefix.
    """
    return _SYSLOG.search(program.partition("[")[0]) is not None and _LOST.search(text) is not None


def _in_month(year: int, month: int, rest: timedelta) -> datetime:
    """A local time, without its zone; a day that the month does not have falls into the next."""
    return datetime(year, month, 1) + rest  # noqa: DTZ001 - the zone is found by _local


def _within(at: int) -> int | None:
    """A time that a line may have, or None."""
    return at if _EARLIEST <= at < _LATEST else None


def _offset(moment: datetime) -> int:
    """Microseconds east of UTC."""
    offset = moment.utcoffset()
    return offset // MICRO if offset else 0


def _head(host: str, program: str, pid: str) -> str:
    """Host, program and process in the traditional form."""
    return f"{host or '-'} {program or '-'}{f'[{pid}]' if pid else ''}: "


def _tagged(at: int, rest: str) -> Line:
    """Host, program and pid before the first `: `; Dovecot's own log has neither host nor program."""
    head, colon, text = rest.partition(": ")
    host, space, tag = head.rpartition(" ")
    if not colon or not space:
        return Line(at, "", "", "", rest)
    program, bracket, pid = tag.partition("[")
    return Line(at, _nil(host_in(host)), _nil(program), pid.rstrip("]") if bracket else "", text)


def _journal(raw: str) -> tuple[int, str] | None:
    told = said(raw)
    if told is None or not _EARLIEST <= told[0] < _LATEST:
        return None
    at, record, text = told
    return at, without_nul(_head(record.host, record.identifier, record.syslog_pid or record.pid) + text)


def _message(rest: str) -> str:
    """What follows the structured data (RFC 5424 6.3) and its optional byte order mark."""
    data = _STRUCTURED.match(rest)
    return rest[data.end() if data else 0 :].removeprefix(" ").removeprefix("\ufeff")


def _bare(rest: str) -> str:
    """What follows the date, without facility and priority."""
    if rest[:1] != "<" and "[ID " not in rest:
        return rest
    return _PRIORITY.sub(r"\1", rest, count=1) if _PRIORITY.match(rest) else rest


def _with_clock(day: str, rest: str) -> tuple[str, str]:
    """A time of which day, clock and offset are words apart, as one; and what follows."""
    clock, _, rest = rest.partition(" ")
    offset = _OFFSET.match(rest)
    return (f"{day}T{clock}{offset[1]}", rest[offset.end() :]) if offset else (f"{day}T{clock}", rest)


def _nil(text: str) -> str:
    return "" if text == "-" else text
