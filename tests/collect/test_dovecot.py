"""What a store's log tells: delivered, read, moved, left unread; and what it does not tell."""

import json
from collections import Counter

import pytest

from streams.core.events import Kind
from streams.core.identity import copy_leg, leg_of, message_key, session_leg
from tests.collect.dovecot_logs import (
    CAROL,
    COPY,
    IMAP,
    LMTP,
    SEEN,
    SESSION,
    case,
    day,
    feed,
    mail,
    one,
    parser,
    read,
    short,
    told,
)

# The sample day and the journeys


def test_counts_of_the_day() -> None:
    """Saves, reads and expunges equal those of the independent reading, and every line is accounted for."""
    by = parser()
    events = feed(by, day())
    kinds = Counter(event.kind for event in events)
    assert (kinds[Kind.DELIVERED], kinds[Kind.NOT_READ], kinds[Kind.QUARANTINED]) == (494, 1, 0)
    assert len({(event.recipient, event.message_key) for event in events if event.kind == Kind.READ}) == 134
    assert by.counts.pieces == len(day()) == by.counts.events + by.counts.ignored.total()
    assert not by.counts.unread
    assert len({event.event_id for event in events}) == len(events)


def test_a_delivery_leads_from_the_session_to_the_copy() -> None:
    """The session id is what the switch's line has; the copy is where it lies."""
    event = one(LMTP + mail("save"))
    assert (event.kind, event.host, event.queue_id, event.recipient) == (Kind.DELIVERED, "store", SESSION, CAROL)
    assert (event.leg, event.next_leg) == (session_leg(SESSION), COPY)
    assert (event.peer, event.next_queue_id, event.size) == ("store", "INBOX/5", 335)
    assert (event.message_key, event.attributes) == ("m@x.test", ("mailbox=INBOX", "uid=5"))
    assert "secret" not in repr(event)


JOURNEYS = {
    "dovecot_events": [
        ("delivered", "nH4zK4HIBGusfgAAg+zDdQ", "INBOX/3"),
        ("delivered", "oLg+LIHIBGusfgAAg+zDdQ", "INBOX/51"),
        *[("read", "INBOX/3", None)] * 3,
    ],
    "dovecot_imap_steps": [
        ("delivered", "+MHtOVnIBGuIeQAAg+zDdQ", "INBOX/2"),
        ("delivered", "aMAAO1nIBGuIeQAAg+zDdQ", "INBOX/50"),
        *[("read", "INBOX/2", None)] * 5,
        ("transferred", "INBOX/2", "Trash/1"),
        *[("read", "Trash/1", None)] * 2,
    ],
    "mdn_journey": [
        ("delivered", "SIL/F9bIBGusfgAAg+zDdQ", "INBOX/44"),
        ("delivered", "oHMAGdbIBGusfgAAg+zDdQ", "INBOX/52"),
        ("read", "INBOX/44", None),
        ("read", "INBOX/44", None),
        ("delivered", "IFN3LtbIBGusfgAAg+zDdQ", "INBOX/53"),
    ],
    "auto_forward_on_timeout": [("delivered", "yDvREbLIBGusfgAAg+zDdQ", "INBOX/2")],
}


@pytest.mark.parametrize(("name", "want"), JOURNEYS.items())
def test_a_journey_gives_exactly_its_events(name: str, want: list[tuple[str, str, str | None]]) -> None:
    r"""PEEK, copies, flags of other kinds, \Deleted and mail appended over IMAP are no events."""
    assert short(read(case(name))) == want


def test_odd_message_ids_give_the_switch_s_keys() -> None:
    """None, with spaces, without brackets, folded, cut, not ASCII: the key is that of the whole Message-ID."""
    keys = [event.message_key for event in read(case("message_id_oddities")) if event.recipient == CAROL]
    assert keys == [
        "4jYLmt6KKrz1TCKH@origin.lab.test",
        message_key(None, "store", "eC+FI6/DBGvRWgAAg+zDdQ"),
        "withspace@xy",
        "no-brackets@x",
        "folded-id@origin.test",
        "dup-0@origin.test",
        "orig-resent@origin.test",
        message_key(f"<{'L' * 400}@origin.test>"),
        "utf8-é@origin.test",
    ]


# Forms of lines

SAVE = mail("save")


@pytest.mark.parametrize(
    "line",
    [
        f"2026-11-23T12:00:00.5+0000 {LMTP}Info: {SAVE}",
        f"Nov 23 12:00:00 imap1 dovecot: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 dovecot[77]: {LMTP}{SAVE}",
        f"2026-11-23T12:00:00Z imap1 dovecot: {LMTP}{SAVE}",
        f"<22>1 2026-11-23T12:00:00Z imap1 dovecot 77 - - {LMTP}{SAVE}",
        f"Nov 23 12:00:00.25 imap1 dovecot: {LMTP}{SAVE}",
        f"Nov 23 12:00:00.25 {LMTP}Info: {SAVE}",
        f"2026-11-23 12:00:00 {LMTP}Info: {SAVE}",
        f"2026-11-23 12:00:00 imap1 dovecot: {LMTP}{SAVE}",
        f"2026-11-23T12:00:00.5Z Nov 23 01:02:03 imap1 dovecot: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 <mail.info> imap1 dovecot[77]: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 dovecot[77]: [ID 583609 mail.info] {LMTP}{SAVE}",
        f"Nov 23 12:00:00 two words imap1 dovecot[77]: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 mail.info dovecot: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 local0.notice dovecot[77]: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 192.0.2.1 imap1 mail.warn dovecot: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 <info> dovecot[77]: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 INFO dovecot[77]: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 192.0.2.1 imap1 dovecot: {LMTP}{SAVE}",
        f"Nov 23 12:00:00 imap1 dovecot: lmtp(77, {CAROL}): {SESSION}: {SAVE}",
        f"Nov 23 12:00:00 imap1 dovecot: LMTP({CAROL}): {SESSION}: {SAVE}",
        json.dumps(
            {
                "__REALTIME_TIMESTAMP": "1795435200000000",
                "_HOSTNAME": "imap1",
                "SYSLOG_IDENTIFIER": "dovecot",
                "MESSAGE": LMTP + SAVE,
            }
        ),
    ],
)
def test_forms_of_a_line(line: str) -> None:
    """Own log, syslog, RFC 5424, journal and the older prefixes say the same; it is one fact."""
    by = parser("")
    (event,) = feed(by, [line.encode()])
    assert event.queue_id == SESSION
    if "imap1" in line:
        assert event.host == "store"
        assert event.event_id == read(told(LMTP + SAVE))[0].event_id


@pytest.mark.parametrize("host", ["mail.info", "mx.mail.info"])
def test_a_host_of_a_level_s_name(host: str) -> None:
    """What stands alone in front of Dovecot is the host, though a facility may be called so behind one."""
    assert feed(parser(""), [f"Nov 23 12:00:00 {host} dovecot: {LMTP}{SAVE}".encode()])[0].host == host
    assert feed(parser(""), [f"Nov 23 12:00:00 mx {host}x dovecot: {LMTP}{SAVE}".encode()])[0].host == f"{host}x"


@pytest.mark.parametrize(
    "form",
    [
        "2026-11-23T12:00:00+00:00 dockerhost store[985]: Nov 23 12:00:00 mx dovecot: ",
        "Nov 23 12:00:00 dockerhost 4f1d2c3b5a6e[985]: 2026-11-23T12:00:00.5+00:00 mx dovecot: ",
        "2026-11-23T12:00:00.123456789Z stdout F Nov 23 12:00:00 mx dovecot: ",
    ],
)
def test_a_container_s_line_in_another(form: str) -> None:
    """What its runtime writes around it is neither program nor host."""
    by = parser("")
    (event,) = feed(by, [f"{form}{LMTP}{SAVE}".encode()])
    assert (event.host, by.counts.ignored) == ("mx", {})


def test_other_programs_are_counted_by_name() -> None:
    """A shared syslog holds lines of others; lines of no form are unread, with their place."""
    by = parser()
    lines = (b"Nov 23 12:00:00 h postfix/qmgr[1]: 4jYL: removed", b"Nov 23 12:00:00 h", b"no time", b"")
    assert not feed(by, lines)
    assert by.counts.ignored == {"postfix/qmgr": 1}
    assert by.counts.unread == {"not a line of Dovecot": 1, "no time that can be read": 1, "an empty line": 1}
    assert [example.offset for example in by.counts.examples] == [1, 2, 3]


@pytest.mark.parametrize(
    "line",
    [
        "h rsyslogd[1]: imuxsock lost 4711 messages from pid 3 due to rate-limiting",
        "h systemd-journald[1]: Suppressed 4711 messages from dovecot.service",
        "h rsyslogd: imjournal: 4711 messages lost due to rate-limiting (20000 allowed within 600 seconds)",
        "imjournal: 4711 messages lost due to rate-limiting",
    ],
)
def test_lines_that_the_syslog_daemon_lost(line: str) -> None:
    """They may have been Dovecot's, so the line is not one that carries nothing."""
    by = parser()
    assert not feed(by, [f"Nov 23 12:00:00 {line}".encode(), b"Nov 23 12:00:00 h rsyslogd[1]: start"])
    assert by.counts.unread == {"the syslog daemon lost lines": 1}
    assert by.counts.ignored == {"rsyslogd": 1}


@pytest.mark.parametrize("program", ["postfix/smtpd[1]: x", "smtpd:", "x y: z"])
def test_no_other_program_speaks_for_dovecot(program: str) -> None:
    """What a line of another program quotes is not Dovecot's, whoever it names."""
    assert not read([f"Nov 23 12:00:00 h {program} dovecot: {LMTP}{SAVE}".encode()])


def test_names_without_end_are_not_kept() -> None:
    """Garbage that names a program on each line costs a bounded number of counts."""
    by = parser()
    feed(by, told(*[f"x{number % 60}y{number}: text" for number in range(50)] * 1))
    feed(by, [f"2026-11-23T12:00:00Z p{number}: text".encode() for number in range(1000)])
    assert len(by.counts.ignored) <= 101
    assert by.counts.ignored.total() == 1050


def test_fields_are_not_escaped() -> None:
    """A subject that looks like fields moves neither the Message-ID nor the flags."""
    forged = (
        f"box=INBOX, uid=5, msgid=<m@x.test>, size=9, from=a@b, subject=x, msgid=<fake@x>, flags=({SEEN}), flags=()"
    )
    (event,) = read(told(IMAP + "expunge: " + forged))
    assert (event.kind, event.message_key) == (Kind.NOT_READ, "m@x.test")
    assert not read(told(IMAP + "flag_change: " + forged))


@pytest.mark.parametrize(
    ("fields", "key", "size"),
    [
        ("msgid=<a, b@x>, size=10, flags=()", "a,b@x", 10),
        ("msgid=<a, b@x>, size=error, flags=()", "a,b@x", None),
        ("msgid=<a@x>, subject=s, flags=()", "a@x", None),
        ("msgid=<a@x>, subject=s, size=3, flags=()", "a@x", None),
        ("msgid=<a@x>, size=99999999999999999999", "a@x", None),
        ("msgid=<a@x>", "a@x", None),
    ],
)
def test_fields_that_are_not_logged(fields: str, key: str, size: int | None) -> None:
    """Any field may be missing (mail_log_fields); those that are there are found."""
    event = one(f"{LMTP}save: box=INBOX, uid=5, {fields}")
    assert (event.message_key, event.size, event.next_leg) == (key, size, COPY)


def test_a_copy_without_mailbox_or_uid_is_no_copy() -> None:
    """A delivery is one all the same; a read of nobody knows what is counted."""
    assert one(f"{LMTP}save: box=INBOX, uid=error, msgid=<m@x.test>").next_leg is None
    assert one(f"{LMTP}save: msgid=<m@x.test>, size=3").next_leg is None
    by = parser()
    assert not feed(by, told(f"{IMAP}flag_change: msgid=<m@x.test>, size=3, flags=({SEEN})"))
    assert by.counts.unread == {"mailbox or uid is not logged (mail_log_fields)": 1}


# Deliveries


def test_where_mail_log_is_silent_delivery_tells() -> None:
    """Without mail_log, "saved mail to" and Sieve's "stored mail into mailbox" are the delivery."""
    event = one(LMTP + "msgid=<m@x.test>: saved mail to INBOX")
    assert (event.kind, event.leg, event.next_leg) == (Kind.DELIVERED, session_leg(SESSION), None)
    event = one(LMTP + "sieve: msgid=unspecified: fileinto action: stored mail into mailbox 'Lists'")
    assert (event.kind, event.attributes) == (Kind.DELIVERED, ("mailbox=Lists",))
    assert event.message_key == message_key(None, "store", SESSION)


def test_a_delivery_is_told_once() -> None:
    """Where mail_log has said it, delivery and Sieve say it again, also where a filter keeps two copies."""
    events = read(
        told(
            LMTP + mail("save"),
            LMTP + mail("save", 9, box="Archive"),
            LMTP + "sieve: msgid=<m@x.test>: stored mail into mailbox 'INBOX'",
            LMTP + "sieve: msgid=<m@x.test>: stored mail into mailbox 'Archive'",
            LMTP
            + "sieve: msgid=<m@x.test>: marked message to be discarded if not explicitly delivered (discard action)",
        )
    )
    assert short(events) == [("delivered", SESSION, "INBOX/5"), ("delivered", SESSION, "Archive/9")]


def test_a_save_before_its_session_has_a_name() -> None:
    """Dovecot 2.2 tells the session only with "saved mail to": the copy joins it then."""
    first, second = read(
        told(
            f"lmtp(77, {CAROL}): " + mail("save", box="Lists"),
            f"lmtp(77, {CAROL}): {SESSION}: msgid=<m@x.test>: saved mail to Lists",
        )
    )
    copy = copy_leg("store", CAROL, "Lists", "5")
    assert first.leg == leg_of("store", "Lists/5", CAROL, key="m@x.test")
    assert (second.leg, first.next_leg, second.next_leg) == (session_leg(SESSION), copy, copy)
    assert second.attributes == ("mailbox=Lists", "uid=5")


def test_the_local_delivery_agent_has_no_session_that_a_switch_knows() -> None:
    """Its delivery is about the message and the recipient."""
    event = one(f"lda({CAROL})<7><{SESSION}>: " + mail("save"))
    assert event.leg == leg_of("store", SESSION, CAROL, key="m@x.test")


@pytest.mark.parametrize("box", ["Junk", "Spam", "INBOX.Spam", "INBOX/Junk", "Junk E-mail"])
def test_junk_is_not_where_its_reader_looks(box: str) -> None:
    """A delivery into a filter's mailbox is quarantined."""
    assert one(LMTP + mail("save", box=box)).kind == Kind.QUARANTINED
    assert one(LMTP + f"sieve: msgid=<m@x.test>: stored mail into mailbox '{box}'").kind == Kind.QUARANTINED


def test_a_mailbox_has_its_visible_name() -> None:
    """Sieve tells a mailbox by the script's name and the visible one."""
    assert one(LMTP + "sieve: msgid=<m@x>: stored mail into mailbox 'Spam' (INBOX.Spam)").attributes == (
        "mailbox=INBOX.Spam",
    )


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("marked message to be discarded if not explicitly delivered (discard action)", Kind.DISCARDED),
        ("discard action: Marked message to be discarded if not explicitly delivered", Kind.DISCARDED),
        ("discarded", Kind.DISCARDED),
        ("reject action: not sending reject message to <>", Kind.DISCARDED),
        ("not sending reject message to <>", Kind.DISCARDED),
        ("not sending reject message (would cause second response to sender)", Kind.DISCARDED),
        ("reject action: not sending reject message (skipped)", None),
        ("rejected message from <a@x.test> (reject)", Kind.REFUSED),
        ("forwarded to <deputy@x.test>", Kind.REDIRECTED),
        ("discarded duplicate forward to <deputy@x.test>", None),
        ("discarded vacation reply to <a@x.test>", None),
        ("sent vacation response to <a@x.test>", None),
        ("failed to store into mailbox 'INBOX': Quota exceeded", None),
        ("save failed to INBOX: Quota exceeded", None),
    ],
)
def test_what_sieve_does(what: str, kind: Kind | None) -> None:
    """Only what decides on the message is an event, on the switch's session."""
    events = read(told(f"{LMTP}sieve: msgid=<m@x.test>: {what}"))
    assert [event.kind for event in events if event.kind is not Kind.REPORTED] == ([kind] if kind else [])
    assert all(event.leg == session_leg(SESSION) for event in events)


WORDS = ["sieve: from=<a@x> msgid=<m@x.test>", "from=<a@x>, msgid=<m@x.test>, size=335", "[msgid=<m@x.test>; to=<c@y>"]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("discard action: Marked message to be discarded if not explicitly delivered", Kind.DISCARDED),
        ("rejected message from <a@x.test> (reject)", Kind.REFUSED),
        ("forwarded to <deputy@x.test>", Kind.REDIRECTED),
        ("saved mail to INBOX", Kind.DELIVERED),
        ("discarded duplicate forward to <deputy@x.test>", None),
    ],
)
def test_words_of_the_server_s_own(words: str, what: str, kind: Kind | None) -> None:
    """What stands around the Message-ID (deliver_log_format) hides nothing."""
    events = [event for event in read(told(f"{LMTP}{words}: {what}")) if event.kind is not Kind.REPORTED]
    assert [(event.kind, event.message_key, event.leg) for event in events] == (
        [(kind, "m@x.test", session_leg(SESSION))] if kind else []
    )


def test_who_has_no_message_id_has_none_among_other_words() -> None:
    """The word for it is no Message-ID."""
    event = one(f"{LMTP}from=<a@x> msgid=unspecified, size=3: saved mail to INBOX")
    assert event.message_key == message_key(None, "store", SESSION)


def test_a_decision_about_nobody_knows_what_is_said() -> None:
    """Without msgid in the format it is unread; not where the save was told by mail_log, nor what others say."""
    by = parser()
    lines = [
        f"{LMTP}sieve: <m@x.test>: discarded",
        f"lda({CAROL})<7><>: m@x.test from a@x: forwarded to <deputy@x.test>",
        f"{LMTP}sieve: <m@x.test>: sent vacation response to <a@x.test>",
        f"{IMAP}saved mail to nothing",
        f"{LMTP}{mail('save')}",
        f"{LMTP}<m@x.test>: saved mail to INBOX",
    ]
    assert short(feed(by, told(*lines))) == [("delivered", SESSION, "INBOX/5")]
    assert by.counts.unread == {"what became of a message that is not named (deliver_log_format)": 2}


def test_a_message_id_does_not_decide() -> None:
    """A Message-ID that reads like an action is none."""
    event = one(f"{LMTP}sieve: msgid=<a@x>: discarded: b@x>: stored mail into mailbox 'INBOX'")
    assert event.kind == Kind.DELIVERED


def test_mail_saved_by_a_client_is_no_delivery() -> None:
    """Sent, drafts, and what an administrator's tool copies in."""
    assert not read(told(IMAP + mail("save", box="Sent"), f"doveadm({CAROL})<1><>: " + mail("save")))
