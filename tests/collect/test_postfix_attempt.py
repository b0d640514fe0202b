"""Delivery agents in Postfix's logs: rewriting, delivery, hand-over, and what only looks like them; one trap a test."""

import pytest

from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.collect.postfix import PostfixParser
from streams.collect.postfix_attempt import NO_FILTER
from streams.core.events import Kind, Traffic
from streams.core.identity import session_leg
from tests.collect.postfix_logs import (
    ACTIVE,
    CLIENT,
    HEAD,
    NAMED,
    OBSERVED,
    Q1,
    Q2,
    arrivals,
    attempt,
    case,
    log_of,
    of,
    parser,
    pieces,
    read,
    short,
    told,
)

LOCAL = Declaration(hosts=(Host(name="origin"),), submission_points=(SubmissionPoint(host="origin", local=True),))


def test_rewriting_passes_custody_to_the_new_recipients() -> None:
    """The recipient that was written to passes custody to its members; each is delivered on its own."""
    events = read("dest", case("alias_forward", "dest"))
    team = [e for e in events if e.queue_id == "4jYLmn6hTxz1TCGT"]
    assert short(team)[:6] == [
        ("transferred", "4jYLmn6hTxz1TCGT", ""),
        ("transferred", "4jYLmn6hTxz1TCGT", "team@dest.test"),
        ("redirected", "4jYLmn6hTxz1TCGT", "team@dest.test"),
        ("delivered", "4jYLmn6hTxz1TCGT", "carol@dest.test"),
        ("redirected", "4jYLmn6hTxz1TCGT", "team@dest.test"),
        ("delivered", "4jYLmn6hTxz1TCGT", "dave@dest.test"),
    ]
    carol, dave = of(team, Kind.DELIVERED)
    assert carol.next_leg == session_leg("gKV+OKnDBGvRWgAAg+zDdQ")
    assert dave.next_queue_id == "gKV+OKnDBGvRWgAAg+zDdQ:R2"
    assert carol.original_recipient == "team@dest.test"


OWN = attempt("deferred (452 4.2.2 Quota exceeded)", agent="lmtp", relay="st[192.0.2.9]:24")
MEMBER = attempt("sent (250 2.0.0 Saved)", "s@dest.test", agent="lmtp", relay="st[192.0.2.9]:24", dsn="2.0.0").replace(
    "relay=", "orig_to=<c@dest.test>, relay=", 1
)


@pytest.mark.parametrize("lines", [(MEMBER, OWN), (OWN, MEMBER)], ids=["the other first", "the own first"])
@pytest.mark.parametrize("typed", ["c@dest.test", "C@Dest.test"])
def test_an_alias_that_keeps_a_copy(lines: tuple[str, str], typed: str) -> None:
    """Who is rewritten to himself and another is one of those that he gave way to, told once; his own copy goes on."""
    both = [line.replace("orig_to=<c@dest.test>", f"orig_to=<{typed}>") for line in lines]
    gave_up = f"postfix/qmgr[9]: {Q1}: from=<alice@origin.test>, status=expired, returned to sender"
    events = told("origin", *HEAD, *both, *both, gave_up)
    (waits, *_), (delivered, *_) = of(events, Kind.DEFERRED), of(events, Kind.DELIVERED)
    turned = of(events, Kind.REDIRECTED)
    assert {e.leg for e in turned} == {waits.leg}
    assert sorted(e.next_leg or b"" for e in turned) == sorted([waits.leg, delivered.leg])
    assert waits.leg in {e.leg for e in of(events, Kind.REFUSED)}
    kept = next(place for place, e in enumerate(events) if e.kind is Kind.REDIRECTED and e.next_leg == e.leg)
    assert kept < events.index(of(events[kept:], Kind.DEFERRED, Kind.DELIVERED)[0])


def test_local_forwarding() -> None:
    """`forwarded as` is a hand-over on the same host, and what it made is no submission."""
    events = read("dest", case("alias_forward", "dest"))
    (passed, *_) = [e for e in events if e.queue_id == "4jYLmp4ZY9z1TCJk" and e.side == "sent"]
    made = [e for e in events if e.queue_id == "4jYLmp4f7fz1TCJl"]
    assert passed.next_leg == made[1].leg
    assert (made[0].kind, made[0].traffic) == (Kind.TRANSFERRED, Traffic.TRANSIT)
    assert {e.recipient for e in of(made, Kind.DELIVERED)} == {"carol@dest.test", "dave@dest.test"}


def test_a_forwarded_report_is_no_new_one() -> None:
    """A notification that local(8) forwards has another's Message-ID."""
    events = told("dest", NAMED, f"postfix/qmgr[9]: {Q1}: from=<>, size=3, nrcpt=1 (queue active)")
    assert arrivals(events)[0].traffic is Traffic.TRANSIT


def test_outcomes() -> None:
    """`sent` is delivery, hand-over or neither, by the agent and by its words."""

    def outcome(status: str, agent: str = "smtp", relay: str = "mx.example[192.0.2.1]:25") -> tuple[str, str | None]:
        *_, last = told("origin", *HEAD, attempt(status, agent=agent, relay=relay, dsn="2.0.0"))
        return last.kind.value, last.peer

    assert outcome("sent (250 OK id=1xyz)") == ("transferred", "192.0.2.1")
    assert outcome("sent (250 2.7.0 Ok, discarded, id=1 - spam)") == ("discarded", "192.0.2.1")
    assert outcome("sent (example.org)", "discard", "none") == ("discarded", None)
    assert outcome("sent (delivered to maildir)", "virtual", "virtual") == ("delivered", None)
    assert outcome('sent (delivered to command: /bin/x "a")', "local", "local") == ("delivered", None)
    assert outcome("sent (delivered via dovecot service)", "pipe", "dovecot") == ("delivered", "dovecot")
    assert outcome("sent (250 2.1.5 Ok)", "lmtp", "store[private/lmtp]") == ("delivered", "store")
    assert outcome("deferred (host said: 450 4.2.0 <x>: later)") == ("deferred", "192.0.2.1")
    assert outcome("SOFTBOUNCE (later)") == ("deferred", "192.0.2.1")
    assert outcome("bounced (host said: 550 5.1.1 (in reply to RCPT))") == ("refused", "192.0.2.1")
    assert outcome("sent (delivered to file: /dev/null)", "local", "local") == ("discarded", None)
    assert outcome("sent (delivered to file: /var/mail/c)", "local", "local") == ("delivered", None)
    assert outcome("sent (cut in the mid") == ("transferred", "192.0.2.1")


def test_a_filter_on_the_loopback() -> None:
    """A filter quotes the one behind it: custody passes to the entry that came back on this host."""
    reply = f"sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {Q2})"
    *_, last = told("origin", *HEAD, attempt(reply, relay="127.0.0.1[127.0.0.1]:10024"))
    assert (last.side, last.peer, last.next_queue_id) == ("sent", "origin", Q2)


def test_what_the_sender_chose_decides_nothing() -> None:
    """A Message-ID that a peer quotes, or a command's name, may hold any word."""

    def outcome(reply: str, agent: str = "smtp") -> tuple[str, str | None]:
        *_, last = told("origin", *HEAD, attempt(f"sent ({reply})", agent=agent, relay="mx[192.0.2.1]:25"))
        return last.kind.value, last.next_queue_id

    exchange = "[InternalId=1, Hostname=EX1.example] 1 bytes in 0.1, 1 KB/sec Queued mail for delivery"
    for chosen in (
        "discard-policy-review@x",
        "queued as FAKE@x",
        "a> discard queued as FAKE@x",
        "a> discard -",
        "id=1, BOUNCE@x",
    ):
        assert outcome(f"250 2.6.0 <{chosen}> {exchange}") == ("transferred", None)
    assert outcome(exchange.replace("EX1", "mx.discard")) == ("transferred", None)
    assert outcome("delivered to command: /usr/bin/procmail -m /etc/discard.rc", "local") == ("delivered", None)
    assert outcome("250 2.7.0 Ok, DISCARD(bounce.suppressed), id=1") == ("discarded", None)
    assert outcome("250 2.0.0 <c@dest.test> message discarded.") == ("discarded", None)
    assert outcome(f"250 2.0.0 <c@dest.test> Ok: queued as {Q2} for <c@dest.test>") == ("transferred", Q2)


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ("D-qPRZT6Tn2SMSjTtCQDvQ", "D-qPRZT6Tn2SMSjTtCQDvQ"),
        ("_-Dz_qPRZT6Tn2SMSj", "_-Dz_qPRZT6Tn2SMSj"),
        ("4C/12-23233-abc", "4C/12-23233-abc"),
        ("cHQR-y1TyFg=@mailhog.example", "cHQR-y1TyFg=@mailhog.example"),
        (f"{Q2}.", Q2),
        (f"{Q2}, thanks", Q2),
        (f"{Q2}; id=1-2", Q2),
        (f"{Q2} (1 KB)", Q2),
        ("- nothing", None),
        ("", None),
    ],
)
def test_what_others_call_it(words: str, want: str | None) -> None:
    """The next party's name is taken whole, with the dashes and the like that others than Postfix have in it."""
    *_, last = told("origin", *HEAD, attempt(f"sent (250 Ok: queued as {words})", relay="mx[192.0.2.1]:25"))
    assert (last.kind, last.next_queue_id) == (Kind.TRANSFERRED, want)
    *_, last = told("origin", *HEAD, attempt(f"sent (250 Ok: queued as {want or ''}", relay="mx[192.0.2.1]:25"))
    assert (last.diagnostic, last.next_queue_id) == ("250 Ok: queued as ", None)


@pytest.mark.parametrize(("agent", "relay"), [("smtp", "mx"), ("lmtp", "mx"), ("local", "local")])
def test_a_name_that_was_cut_is_none(agent: str, relay: str) -> None:
    """Where syslog cut a line within the next party's name: handed on, nobody can tell as what."""
    reply = f"forwarded as {Q2[:4]}" if agent == "local" else f"250 2.0.0 Ok: queued as {Q2[:4]}"
    *_, last = told("origin", *HEAD, attempt(f"sent ({reply}", agent=agent, relay=relay))
    assert (last.kind, last.side, last.next_queue_id, last.next_leg) == (Kind.TRANSFERRED, "sent", None, None)
    assert last.diagnostic == reply.removesuffix(Q2[:4])


@pytest.mark.parametrize("agent", ["lmtp", "smtp"])
def test_a_filter_that_took_and_refused(agent: str) -> None:
    """What amavisd bounces it does not pass on: refused, though it was taken with a status of success."""
    reply = "sent (250 2.5.0 Ok, id=18438-02, BOUNCE)"
    line = attempt(reply, agent=agent, relay="127.0.0.1[127.0.0.1]:10024", dsn="2.5.0")
    *_, last = told("origin", *HEAD, line)
    assert (last.kind, last.recipient, last.status, last.side) == (Kind.REFUSED, "c@dest.test", None, None)
    assert last.diagnostic == "250 2.5.0 Ok, id=18438-02, BOUNCE"


@pytest.mark.parametrize(("service", "doubts"), [("postfix", 1), ("postfix/reinject", 0)])
def test_a_filter_without_a_name_of_its_own(service: str, doubts: int) -> None:
    """Where nothing tells a filter's smtpd from one for clients, what it hands back looks submitted: that is said."""
    reply = f"sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {Q2})"
    back = (line.replace(Q1, Q2).replace("postfix/smtpd", f"{service}/smtpd") for line in HEAD)
    lines = (*HEAD, *back, attempt(reply, relay="127.0.0.1[127.0.0.1]:10024"))
    reader = parser()
    events = reader.parse(pieces(log_of("origin", *lines)), file="mail.log", observed_at=OBSERVED)
    assert [e.traffic for e in arrivals(events)] == [Traffic.OURS, Traffic.OURS if doubts else Traffic.TRANSIT]
    assert reader.counts.unread.total() == doubts


def test_a_peer_that_never_reports() -> None:
    """Custody handed to a declared peer without reports is beyond sight."""
    *_, last = told("origin", *HEAD, attempt(f"sent (250 Ok: queued as {Q2})", relay="mute.example[192.0.2.66]:25"))
    assert (last.action, last.peer) == ("relayed", "mute")


def test_alike_facts_of_one_second() -> None:
    """Two attempts of one second with one outcome are two facts."""
    first, second = of(told("origin", *HEAD, attempt("deferred (x)"), attempt("deferred (x)")), Kind.DEFERRED)
    assert first.event_id != second.event_id
    assert (first.seq, second.seq) == (3, 4)


def test_a_recipient_in_another_case() -> None:
    """orig_to that differs in case only is no rewriting."""
    line = attempt("deferred (x)").replace("relay=", "orig_to=<C@dest.test>, relay=")
    assert not of(told("origin", *HEAD, line), Kind.REDIRECTED)


def test_the_state_of_tls() -> None:
    """Postfix since 3.11 says how the connection was guarded, before the status."""
    for guard in ("dane", "may?", "may:none", "dane/!requiretls:nocertmatch"):
        line = attempt(f"sent (250 Ok: queued as {Q2})", relay="127.0.0.12[127.0.0.12]:25", dsn="2.0.0")
        *_, last = told("origin", *HEAD, line.replace("dsn=", f"tls={guard}, dsn="))
        assert (last.kind, last.peer, last.next_queue_id) == (Kind.TRANSFERRED, "relay", Q2)
        assert last.attributes == ("delays=0/0/1/0",)


@pytest.mark.parametrize("answer", ["deliverable (250 2.1.5 Ok)", "undeliverable (host said: 550 5.1.1 no)"])
def test_an_address_that_is_asked_for(answer: str) -> None:
    """`sendmail -bv` submits what is no message: its recipients are a probe's, though it may have looked like ours."""
    asked = f"postfix/pickup[6]: {Q1}: uid=1000 from=<alice@origin.test>"
    reader = PostfixParser(Source(name="log", kind="postfix", host="origin", year=2026), LOCAL)
    lines = asked, *HEAD[1:], attempt(answer, dsn="2.1.5"), f"postfix/qmgr[9]: {Q1}: removed"
    events = reader.parse(pieces(log_of("origin", *lines)), file="mail.log", observed_at=OBSERVED)
    assert [(e.kind, e.recipient, e.traffic) for e in events] == [
        (Kind.SUBMITTED, "", Traffic.OURS),
        (Kind.SUBMITTED, "c@dest.test", Traffic.PROBE),
        (Kind.REMOVED, "", None),
    ]


def test_what_leaves_everything_as_it_is() -> None:
    """Probes of an address, and a bounce that could not be written, tell nothing of a recipient's fate."""
    reader = parser()
    said = (
        attempt("deliverable (delivers to mailbox)"),
        attempt("undeliverable-but-not-cached (unknown)", agent="error"),
        f"postfix/qmgr[9]: {Q1}: status=deferred (bounce failed)",
        f"postfix/smtp[9]: {Q1}: status=deferred (bounce failed)",
    )
    events = reader.parse(pieces(log_of("origin", *HEAD, *said)), file="mail.log", observed_at=OBSERVED)
    assert {e.kind for e in events} == {Kind.SUBMITTED}
    assert not reader.counts.unread


FROM = "from x[127.0.0.1]{} from=<a@x> to=<b@y> proto=ESMTP helo=<c>"
RULE = f"redirect: RCPT {FROM.format(': <b@y>: Recipient address triggers REDIRECT all@z;')}"
CHECKED = f"postfix/cleanup[8]: {Q1}: redirect: header Subject: a: b {FROM.format(';')}: all@z"


@pytest.mark.parametrize(
    "lines",
    [
        (CLIENT, CHECKED, NAMED),
        (CLIENT, CHECKED.replace(": all@z", ": none@z"), CHECKED.replace("header Subject:", "body"), NAMED),
        (CLIENT, f"postfix/smtpd[7]: {Q1}: {RULE}", NAMED),
        (f"postfix/smtpd[7]: NOQUEUE: {RULE}", CLIENT, NAMED),
    ],
    ids=["header", "body", "access", "access before"],
)
def test_what_a_rule_redirects_has_one_recipient(lines: tuple[str, ...]) -> None:
    """Only the first is tried, by another address; of the others those that are known go there, too."""
    asked = 'postfix/smtpd[7]: x[127.0.0.1]: replacing command "rcpt TO:<{0}>" with "rcpt TO:<{0}> NOTIFY=NEVER"'
    sent = attempt("sent (delivered to mailbox)", "all@z", agent="local", relay="local").replace(
        "to=<all@z>, ", "to=<All@z>, orig_to=<b@y>, "
    )
    active = ACTIVE.replace("nrcpt=1", "nrcpt=3")
    events = told("origin", asked.format("d@y"), *lines, active, sent, f"postfix/qmgr[9]: {Q1}: removed")
    assert {e.recipients_expected for e in arrivals(events)} == {1}
    turned = of(events, Kind.REDIRECTED)
    assert sorted(e.recipient for e in turned) == ["b@y", "d@y"]
    (delivered,) = of(events, Kind.DELIVERED)
    assert {e.next_leg for e in turned} == {delivered.leg}
    assert {e.attributes for e in turned} == {("to=All@z",)}
    plain = told("origin", asked.format("d@y"), CLIENT, NAMED, active, sent)
    assert {e.recipients_expected for e in arrivals(plain)} == {3}
    assert [e.recipient for e in of(plain, Kind.REDIRECTED)] == ["b@y"]
    assert of(plain, Kind.REDIRECTED)[0].event_id in {e.event_id for e in turned}


def test_redirected_to_the_first_of_its_recipients() -> None:
    """He is not redirected, the others are; the next message of the session is not."""
    events = told("origin", CLIENT, CHECKED, NAMED, ACTIVE, attempt("sent (250 Ok)", "all@z"))
    assert not of(events, Kind.REDIRECTED)
    later = [line.replace(Q1, Q2) for line in (CLIENT, NAMED, ACTIVE.replace("nrcpt=1", "nrcpt=3"))]
    both = told("origin", f"postfix/smtpd[7]: NOQUEUE: {RULE}", *HEAD, *later)
    assert [e.recipients_expected for e in arrivals(both)] == [1, 3]


@pytest.mark.parametrize("near", ["127.0.0.1", "[::1]"])
@pytest.mark.parametrize("alias", ["", ":10465", ":25"])
def test_who_listens_on_the_loopback(near: str, alias: str) -> None:
    """A filter of this host, if nothing else is declared at that port; where nothing comes back that is said once."""
    hosts = (Host(name="origin"), *([Host(name="tunnel", aliases=frozenset({near + alias}))] if alias else []))
    declared = Declaration(hosts=hosts, submission_points=(SubmissionPoint(host="origin"),))
    party = f"localhost[{near.strip('[]')}]"
    login = CLIENT.replace("unknown[127.0.0.1]", "c[192.0.2.1], sasl_username=alice")
    back = f"postfix/10025/smtpd[8]: {Q2}: client={party}"

    def sent(*lines: str) -> tuple[str | None, bool]:
        reader = PostfixParser(Source(name="log", kind="postfix", host="origin", year=2026), declared)
        line = attempt(f"sent (250 Ok: queued as {Q2})", relay=f"{party}:10465", dsn="2.0.0")
        log = log_of("origin", login, *HEAD[1:], *lines, line, line.replace("c@", "d@"))
        events = reader.parse(pieces(log), file="mail.log", observed_at=OBSERVED)
        assert not reader.counts.unread
        assert reader.counts.notes in {(), (NO_FILTER,)}
        return next(e.peer for e in events if e.side == "sent"), bool(reader.counts.notes)

    other = alias == ":10465"
    assert sent() == (("tunnel", False) if other else ("origin", True))
    assert sent(back) == (("tunnel", False) if other else ("origin", False))
