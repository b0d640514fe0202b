"""The prefix of a line, in every form that mail systems' lines come in."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collect.syslog import Line, Reader, lost_lines
from streams.core.errors import Misuse


def at(*moment: int) -> int:
    """Microseconds UTC."""
    return round(datetime(*moment, tzinfo=UTC).timestamp() * 1_000_000)  # type: ignore[misc, arg-type]


NOON = at(2026, 11, 23, 12, 0, 0)


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (
            b"Nov 23 12:00:00 origin postfix-origin/smtpd[123]: connect from x: y",
            Line(NOON, "origin", "postfix-origin/smtpd", "123", "connect from x: y"),
        ),
        (b"<22>Nov 23 12:00:00 h postfix/qmgr[1]: A: removed", Line(NOON, "h", "postfix/qmgr", "1", "A: removed")),
        (b"Nov 23 12:00:00 h postsuper: a text", Line(NOON, "h", "postsuper", "", "a text")),
        (
            b"2026-11-23T13:00:00.000042+01:00 h postfix/smtp[9]: text",
            Line(NOON + 42, "h", "postfix/smtp", "9", "text"),
        ),
        (b"2026-11-23T12:00:00Z h p[9]: text", Line(NOON, "h", "p", "9", "text")),
        (b"<22>2026-11-23T12:00:00+0000 h p[9]: text", Line(NOON, "h", "p", "9", "text")),
        (b"<22>1 2026-11-23T12:00:00.5Z h p 77 ID1 - text", Line(NOON + 500_000, "h", "p", "77", "text")),
        (b'<22>1 2026-11-23T12:00:00Z h p - - [a@1 b="x] y"][c] \xef\xbb\xbftext', Line(NOON, "h", "p", "", "text")),
        (b"<22>1 2026-11-23T12:00:00Z - p 7 - -", Line(NOON, "", "p", "7", "")),
        (b"2026-11-23T12:00:00.000001+0000 lmtp(1): Info: Hi", Line(NOON + 1, "", "", "", "lmtp(1): Info: Hi")),
        (b"2026-11-23 12:00:00 mx postfix/qmgr[3]: A: x", Line(NOON, "mx", "postfix/qmgr", "3", "A: x")),
        (b"2026-11-23 12:00:00.5 mx postfix/qmgr[3]: A: x", Line(NOON + 500_000, "mx", "postfix/qmgr", "3", "A: x")),
        (b"2026-11-23 12:00:00,042 mx postfix/qmgr[3]: A: x", Line(NOON + 42_000, "mx", "postfix/qmgr", "3", "A: x")),
        (b"2026-11-23 13:00:00 +0100 mx postfix/qmgr[3]: A: x", Line(NOON, "mx", "postfix/qmgr", "3", "A: x")),
        (b"2026-11-23 12:00:00 lmtp(1): Info: Hi", Line(NOON, "", "", "", "lmtp(1): Info: Hi")),
        (b"Nov 23 12:00:00.123456 mx postfix/qmgr[3]: A: x", Line(NOON + 123_456, "mx", "postfix/qmgr", "3", "A: x")),
        (b"<22>Nov 23 12:00:00.12 mx p[3]: A: x", Line(NOON + 120_000, "mx", "p", "3", "A: x")),
        (b"Nov 23 12:00:00.123456789 lmtp(1): Info: Hi", Line(NOON + 123_456, "", "", "", "lmtp(1): Info: Hi")),
        (b"Nov 23 12:00:00 <mail.info> mx postfix/qmgr[3]: A: x", Line(NOON, "mx", "postfix/qmgr", "3", "A: x")),
        (b"Nov 23 12:00:00 <2.6> mx postfix/qmgr[3]: A: x", Line(NOON, "mx", "postfix/qmgr", "3", "A: x")),
        (
            b"Nov 23 12:00:00 mx postfix/qmgr[3]: [ID 197553 mail.info] A: x",
            Line(NOON, "mx", "postfix/qmgr", "3", "A: x"),
        ),
        (
            b"Nov 23 12:00:00 mx p[3]: A: [ID 197553 mail.info] x",
            Line(NOON, "mx", "p", "3", "A: [ID 197553 mail.info] x"),
        ),
        (
            b"2026-11-23T12:00:00.000000789Z Jan  1 01:02:03 mx postfix/qmgr[3]: A: x",
            Line(NOON, "mx", "postfix/qmgr", "3", "A: x"),
        ),
        (b"Nov 23 12:00:00 two words mx postfix/qmgr[3]: A: x", Line(NOON, "mx", "postfix/qmgr", "3", "A: x")),
    ],
)
def test_forms(raw: bytes, want: Line) -> None:
    """Traditional, RFC 3339 and RFC 5424 prefixes give the same parts."""
    assert Reader(2026).read(raw) == want


@pytest.mark.parametrize("message", ["A: removed", list(b"A: removed")])
@pytest.mark.parametrize("pid", ["SYSLOG_PID", "_PID"])
def test_journal(message: str | list[int], pid: str) -> None:
    """A journal record has the same parts; a message of odd bytes is an array of numbers."""
    record = {
        "__REALTIME_TIMESTAMP": str(NOON + 7),
        "_HOSTNAME": "h",
        "SYSLOG_IDENTIFIER": "postfix/qmgr",
        pid: "12",
        "MESSAGE": message,
        "PRIORITY": "6",
    }
    assert Reader().read(msgspec.json.encode(record)) == Line(NOON + 7, "h", "postfix/qmgr", "12", "A: removed")


@pytest.mark.parametrize(
    ("source", "want"),
    [
        (str(NOON - 200), NOON - 200),
        (str(NOON + 1), NOON),
        (str(NOON - 3_600_000_001), NOON),
        ("", NOON),
        ("-1", NOON),
        (None, NOON),
        ([str(NOON - 200)], NOON),
        ("9" * 5_000, NOON),
    ],
    ids=["earlier", "later", "long before", "empty", "negative", "null", "several", "long"],
)
def test_when_a_journal_record_was_said(source: object, want: int) -> None:
    """The time at which it was said counts, not when journald received it; unless it cannot be."""
    record = {"__REALTIME_TIMESTAMP": str(NOON), "_SOURCE_REALTIME_TIMESTAMP": source, "MESSAGE": "x"}
    line = Reader().read(msgspec.json.encode(record))
    assert line
    assert line.at == want


def test_a_log_crosses_new_year() -> None:
    """December goes on to January of the next year; a line that comes late stays in the old one."""
    reader = Reader(2026)
    days = [
        b"Dec 31 23:59:59 h p: x",
        b"Jan  1 00:00:00 h p: x",
        b"Dec 31 23:59:59 h p: late",
        b"Jan  1 00:00:01 h p: x",
    ]
    got = [line.at for line in map(reader.read, days) if line]
    assert got == [at(2026, 12, 31, 23, 59, 59), at(2027, 1, 1), at(2026, 12, 31, 23, 59, 59), at(2027, 1, 1, 0, 0, 1)]


@pytest.mark.parametrize(
    ("january", "december", "year"),
    [
        (b"Jan  1 12:00:00", b"Dec 30 12:00:01", 2024),
        (b"Jan  1 12:00:00", b"Dec 30 11:59:59", 2025),
        (b"Jan 31 00:00:05", b"Dec  1 10:00:05", 2025),
    ],
)
def test_december_after_january_is_of_the_same_year(january: bytes, december: bytes, year: int) -> None:
    """A log of a few months, or of a quiet host, goes on to December; only what is two days late at most goes back."""
    reader = Reader(2025, reference=NOON)
    assert reader.read(january + b" h p: x")
    line = reader.read(december + b" h p: x")
    assert line
    assert datetime.fromtimestamp(line.at / 1_000_000, UTC).year == year


def test_another_log_of_the_source_begins_in_december() -> None:
    """Where this year's December is yet to come, the one that follows January is of the year before."""
    reader = Reader(2026, reference=at(2026, 3, 1))
    days = [b"Jan 20 12:00:00 a p: x", b"Dec  5 12:00:00 b p: x", b"Jan 20 12:00:00 b p: x"]
    got = [line.at for line in map(reader.read, days) if line]
    assert got == [at(2026, 1, 20, 12, 0, 0), at(2025, 12, 5, 12, 0, 0), at(2026, 1, 20, 12, 0, 0)]


@pytest.mark.parametrize(
    ("date", "year"), [(b"Nov 23 12:00:00", 2026), (b"Nov 26 12:00:00", 2025), (b"Feb 29 12:00:00", 2024)]
)
def test_the_year_is_guessed(date: bytes, year: int) -> None:
    """Without a year, a time is the latest that is not more than a day after the reference, give or take a zone."""
    line = Reader(reference=NOON).read(date + b" h p: x")
    assert line
    assert datetime.fromtimestamp(line.at / 1_000_000, UTC).year == year


def test_forms_of_one_second() -> None:
    """What is kept of the line before changes no line: plain, with a fraction, with a priority, and Solaris'."""
    reader = Reader(2026)
    date = "Nov 23 12:00:00"
    texts = [" h p: x", ".5 h p: x", " <mail.info> h p: x", " h p: [ID 197553 mail.info] x", " h p: x", ".7 h p: x"]
    got = [line for text in texts if (line := reader.read((date + text).encode()))]
    micros = [0, 500_000, 0, 0, 0, 700_000]
    assert got == [Line(NOON + more, "h", "p", "", "x") for more in micros]
    assert not f"{date} h p: x".startswith(
        reader.date
    )  # who cuts the date off by itself would leave what stands behind


def test_a_blank_for_a_t_is_of_the_zone() -> None:
    """A time without offset is the declared zone's, and in the repeated hour the order of lines decides."""
    reader = Reader(None, "Europe/Berlin")
    times = ["2026-10-25 02:30:00", "2026-10-25 02:59:59.5", "2026-10-25 02:10:00"]
    got = [line.at for time in times if (line := reader.read(f"{time} h p: x".encode()))]
    assert got == [at(2026, 10, 25, 0, 30, 0), at(2026, 10, 25, 0, 59, 59) + 500_000, at(2026, 10, 25, 1, 10, 0)]


def test_the_repeated_hour_with_fractions() -> None:
    """A traditional time with a fraction may be of either hour as well."""
    reader = Reader(2026, "Europe/Berlin")
    first = reader.read(b"Oct 25 02:59:59.900000 h p: x")
    assert first
    assert reader.other(first.at) == at(2026, 10, 25, 1, 59, 59) + 900_000
    again = reader.read(b"Oct 25 02:10:00.100000 h p: x")
    assert again
    assert again.at == at(2026, 10, 25, 1, 10, 0) + 100_000


def test_the_year_does_not_go_on_to_one_that_is_yet_to_come() -> None:
    """Another log of the source begins where the last one's months end: the year is the same."""
    reader = Reader(2026, reference=NOON + 86_400_000_000)
    days = [b"Nov 23 12:00:00 a p: x", b"Apr  3 12:00:00 b p: x", b"Apr  4 12:00:00 b p: x"]
    got = [line.at for line in map(reader.read, days) if line]
    assert got == [NOON, at(2026, 4, 3, 12, 0, 0), at(2026, 4, 4, 12, 0, 0)]
    assert reader.state()[0] == 2026


@pytest.mark.parametrize(("hours", "year"), [(47, 2026), (49, 2025)])
def test_the_year_goes_on_where_it_may(hours: int, year: int) -> None:
    """A year that began by the reference, give or take a day, is gone on to."""
    reader = Reader(2025, reference=at(2026, 1, 3) - hours * 3_600_000_000)
    reader.read(b"Dec 31 12:00:00 h p: x")
    line = reader.read(b"Jan  2 00:00:00 h p: x")
    assert line
    assert datetime.fromtimestamp(line.at / 1_000_000, UTC).year == year


def test_the_repeated_hour() -> None:
    """At the end of summer time the order of lines decides which of two hours it is."""
    reader = Reader(2026, "Europe/Berlin")
    times = ["01:59:59", "02:00:00", "02:59:59", "02:00:00", "02:30:00", "02:59:59", "03:00:00"]
    got = [line.at for time in times if (line := reader.read(f"Oct 25 {time} h p: x".encode()))]
    start = at(2026, 10, 24, 23, 59, 59)
    seconds = [0, 1, 3600, 3601, 5401, 7200, 7201]
    assert got == [start + n * 1_000_000 for n in seconds]


@given(st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 30)))  # noqa: DTZ001 - a local time
def test_any_local_time(moment: datetime) -> None:
    """A year-less local time of a zone is that zone's (the first of two, where there are two)."""
    moment = moment.replace(microsecond=0, fold=0)
    zone = ZoneInfo("America/New_York")
    line = Reader(2026, "America/New_York").read(f"{moment:%b %d %H:%M:%S} h p: x".encode())
    want = (moment.replace(tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert line
    assert line.at == want


@pytest.mark.parametrize(
    "raw",
    [
        b"no date here",
        b"Foo 23 12:00:00 h p: x",
        b"Nov 31 99:00:00 h",
        b"<22>1 x",
        b"{",
        b"{}",
        b"2026-99-99T1 h",
        b"2026-11-23 mx postfix/qmgr[3]: A: x",
        b"2026-11-23",
        b"20261123 12:00:00 mx p: x",
        b"<22>1 2026-11-23 h p - - - x",
        b"<",
    ],
)
def test_other_forms(raw: bytes) -> None:
    """What has no time that can be read is None, and raises nothing."""
    assert Reader(2026).read(raw) is None


@given(st.binary())
def test_any_bytes(raw: bytes) -> None:
    """Foreign bytes never raise."""
    Reader(2026).read(raw)
    Reader(2026).read(b"{" + raw)
    Reader(2026).read(b"<1>1 2026-11-23T12:00:00Z " + raw)


def test_bytes_that_are_no_text() -> None:
    """Invalid UTF-8 and NUL become U+FFFD."""
    line = Reader(2026).read(b"Nov 23 12:00:00 h p: a\xff\0b")
    assert line
    assert line.text == "a\ufffd\ufffdb"


@pytest.mark.parametrize("message", ["a\0b", list(b"a\0b")])
def test_a_journal_with_nul(message: str | list[int]) -> None:
    """NUL becomes U+FFFD in the journal's forms, too."""
    record = {"__REALTIME_TIMESTAMP": str(NOON), "_HOSTNAME": "h\0", "SYSLOG_IDENTIFIER": "p", "MESSAGE": message}
    assert Reader().read(msgspec.json.encode(record)) == Line(NOON, "h\ufffd", "p", "", "a\ufffdb")


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59", "2200-01-01T00:00:00Z", "1989-12-31T23:59:59Z"]
)
def test_a_year_that_cannot_be(time: str) -> None:
    """A line of the year 9999 has no time that can be read, and leaves no trace in the reader's memory."""
    reader = Reader()
    before = reader.state()
    assert reader.read(f"{time} h p[1]: x".encode()) is None
    assert reader.state() == before


@pytest.mark.parametrize("time", ["-1", "253402300800000000", "9" * 400, "now", ""])
def test_a_journal_of_no_time(time: str) -> None:
    """A time before 1990 or after 2200 is none."""
    assert Reader().read(msgspec.json.encode({"__REALTIME_TIMESTAMP": time, "MESSAGE": "x"})) is None


@pytest.mark.parametrize("year", [None, 2016], ids=["guessed", "declared"])
@pytest.mark.parametrize(("day", "after"), [("Dec 31", at(2017, 1, 1)), ("Jun 30", at(2016, 7, 1))])
def test_a_leap_second_is_read(day: str, after: int, year: int | None) -> None:
    """It is the last of its month, and of its year; what comes after it is read on, and no other day is made of it."""
    reader = Reader(year, reference=after)
    lines = [f"{day} 23:59:59 h p: x", f"{day} 23:59:60 h p: x", f"{day} 23:59:60.5 h p: x"]
    read = [reader.read(line.encode()) for line in lines]
    assert [line and line.at - after for line in read] == [-1_000_000, 0, 500_000]
    assert reader.last == after + 500_000
    assert Reader(reference=after).read(b"Jun 31 23:59:60 h p: x") is None


@pytest.mark.parametrize(
    ("form", "tag"),
    [
        ("2016-12-31T23:59{}Z", "h p[1]: x"),
        ("<22>2016-12-31T23:59{}+00:00", "h p[1]: x"),
        ("2016-12-31 23:59{}", "h p[1]: x"),
        ("2017-01-01 00:59{} +0100", "h p[1]: x"),
        ("<22>1 2017-01-01T05:29{}+05:30", "h p 1 - - x"),
        ("2016-12-31T23:59{}Z stdout F", "Jan  1 00:00:00 h p[1]: x"),
    ],
)
def test_a_leap_second_of_rfc_3339_is_read(form: str, tag: str) -> None:
    """As the second after it, in every form and with a fraction; what comes before and after it is read as ever."""
    reader, after = Reader(), at(2017, 1, 1)
    seconds = [":59.999999", ":60", ":60.500000", ":60.500001", ":60,5"]
    read = [reader.read(f"{form.format(second)} {tag}".encode()) for second in seconds]
    assert read == [Line(after + late, "h", "p", "1", "x") for late in (-1, 0, 500_000, 500_001, 500_000)]


@pytest.mark.parametrize("time", ["2016-12-31T23:60:00Z", "2016-12-31T24:59:60Z", "2016-12-31T23:59:61Z", "23:59:60"])
def test_no_time_is_made_a_leap_second(time: str) -> None:
    """Only seconds may be sixty, and the rest is a time."""
    assert Reader().read(f"{time} h p[1]: x".encode()) is None


def test_goes_on_from_a_checkpoint() -> None:
    """What a reader knows of year and hour goes with its state."""
    first, second = Reader(2026), Reader(2026)
    first.read(b"Dec 31 23:00:00 h p: x")
    first.read(b"Jan  1 00:00:00 h p: x")
    second.restore(first.state())
    assert second.read(b"Jan  2 00:00:00 h p: x") == first.read(b"Jan  2 00:00:00 h p: x")


def test_no_such_zone() -> None:
    """A zone that does not exist is said at the start."""
    with pytest.raises(Misuse):
        Reader(2026, "Europe/Atlantis")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("2026-11-23T22:48:16", "2026-11-23T22:48:17")),
            st.integers(0, 999_999),
            st.sampled_from(("+00:00", "+01:00", "Z", "-03:30")),
            st.sampled_from((".{:06}", ",{:06}", ".{:06}789", "")),
        )
    )
)
def test_times_that_differ_in_microseconds(lines: list[tuple[str, int, str, str]]) -> None:
    """What is kept of the time before changes no time: each is what it is alone."""
    reader = Reader()
    for second, micros, zone, form in lines:
        raw = f"{second}{form.format(micros)}{zone} h p: x".encode()
        assert reader.read(raw) == Reader().read(raw)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 60)), max_size=30))
def test_times_of_the_minute_before(lines: list[tuple[int, int, int]]) -> None:
    """A minute whose beginning is known tells the same times as one that is not, in the repeated hour as well."""
    reader, forgetful = Reader(2026, "Europe/Berlin"), Reader(2026, "Europe/Berlin")
    for hour, minute, second in lines:
        raw = f"Oct 25 {hour:02}:{minute:02}:{second:02} h p: x".encode()
        forgetful.restore(forgetful.state())
        assert reader.read(raw) == forgetful.read(raw)


@pytest.mark.parametrize(
    ("program", "text", "want"),
    [
        ("rsyslogd", "imuxsock lost 4711 messages from pid 3 due to rate-limiting", True),
        ("rsyslogd-2177", "imuxsock lost 4711 messages from pid 3 due to rate-limiting", True),
        ("rsyslogd[1]", "imjournal: 4711 messages lost due to rate-limiting (20000 allowed within 600 seconds)", True),
        ("imjournal", "4711 messages lost due to rate-limiting", True),
        ("rsyslogd", "imuxsock[pid 3]: begin to drop messages due to rate-limiting", True),
        ("systemd-journald", "Suppressed 4711 messages from postfix.service", True),
        ("systemd-journald", "Suppressed 54 messages from sshd.service", False),
        ("rsyslogd", '[origin software="rsyslogd"] start', False),
        ("systemd-journald", "Journal started", False),
        ("postfix/smtpd", "lost 3 messages", False),
        ("", "4711 messages lost", False),
    ],
)
def test_what_a_syslog_daemon_lost(program: str, text: str, want: bool) -> None:  # noqa: FBT001 - a parameter
    """A syslog daemon that says that it lost lines is heard; what others say is nothing of the kind."""
    assert lost_lines(program, text) is want
