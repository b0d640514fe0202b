"""Simulated reports and receipts have the parts and fields of those that real systems sent, and are read as such."""

import tarfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from streams.collect.declaration import Source
from streams.collect.parser import Piece
from streams.collect.reports import ReportParser
from streams.core.events import Kind, MessageEvent
from streams.simulate.acts import Entered, Receipted, Reported, Told
from streams.simulate.directory import Directory
from streams.simulate.receiptmail import receipt
from streams.simulate.reportmail import report
from tests.simulate.worlds import DECLARATION, READER, SENDER, Stage

CASES = Path(__file__).parents[1] / "data" / "reports" / "cases.tar.xz"
DIRECTORY = Directory(DECLARATION)


def sample(name: str) -> Message:
    """A mail of the laboratory."""
    with tarfile.open(CASES) as archive:
        (member,) = [one for one in archive.getmembers() if one.name.endswith(name)]
        held = archive.extractfile(member)
        assert held
        return message_from_bytes(held.read())


def form(mail: Message) -> list[list[str]]:
    """Names of the fields of a mail and of its parts; those of trace and of an optional ENVID are not compared."""
    free = {"received", "original-envelope-id", "return-path", "references"}
    names = [[name.lower() for name in part if name.lower() not in free] for part in mail.walk()]
    return [sorted(some) for some in names if some]


def mail_of(act: Reported | Receipted) -> bytes:
    """The mail of an act, under a clock that is right."""
    if isinstance(act, Reported):
        return report(act, DIRECTORY, lambda _host, at: at)
    return receipt(act, DIRECTORY, lambda _host, at: at)


def read(act: Reported | Receipted) -> list[MessageEvent]:
    """What the collector says of its mail."""
    parser = ReportParser(Source(name="reports", kind="reports"), DECLARATION)
    events = list(parser.parse([Piece(offset=0, raw=mail_of(act))], file="", observed_at=act.at + 1))
    assert not parser.counts.unread
    return events


def sent(action: str = "delivered") -> tuple[Entered, Entered, Reported]:
    """A message that was handed on and reported."""
    stage = Stage()
    first = stage.enter()
    last = stage.hand_over(first)
    return first, last, stage.report(first, last, action)


@pytest.mark.parametrize(
    ("action", "name"),
    [("delivered", "dsn_b_delivered_lmtp.eml"), ("relayed", "dsn_a_relayed.eml")],
)
def test_a_report_has_the_form_of_postfix(action: str, name: str) -> None:
    """Part by part, field by field."""
    *_, told = sent(action)
    assert form(message_from_bytes(mail_of(told))) == form(sample(name))


def test_a_delayed_report_tells_nothing_final() -> None:
    """Its subject and its action are those of a warning."""
    *_, told = sent("delayed")
    mail = message_from_bytes(mail_of(told))
    assert mail["Subject"] == sample("dsn_d_delay.eml")["Subject"]
    assert [event.action for event in read(told)] == ["delayed"]


@pytest.mark.parametrize("action", ["delivered", "failed", "relayed", "expanded", "delayed"])
def test_a_report_is_read_as_what_it_is(action: str) -> None:
    """From the origin's entry to the reporter's, in whole seconds."""
    first, last, told = sent(action)
    (event,) = read(told)
    assert (event.kind, event.action, event.recipient) == (Kind.REPORTED, action, READER)
    assert (event.host, event.queue_id) == ("alpha", first.queue_id)
    assert (event.peer, event.next_queue_id) == ("beta", last.queue_id)
    assert event.occurred_at == told.at // 1_000_000 * 1_000_000


def test_a_report_of_a_stranger_names_no_queue_and_no_message() -> None:
    """Reported by nobody, about a message without a Message-ID: the trace alone tells the origin's entry."""
    first, _, told = sent()
    bare = {"by": "", "by_queue_id": "", "by_arrived": 0, "message_id": "", "report_id": ""}
    fields = {name: getattr(told, name) for name in told.__struct_fields__} | bare
    (event,) = read(Reported(**fields))
    assert (event.host, event.queue_id, event.next_leg) == ("alpha", first.queue_id, None)


def test_long_words_of_a_peer_are_folded_and_read_whole() -> None:
    """No line is longer than eighty characters; none of the words is lost."""
    _, _, told = sent("failed")
    words = "550 5.1.1 <bob@beta.example>: Recipient address rejected: User unknown in virtual mailbox table of ours"
    one = Told(final=READER, action="failed", status="5.1.1", remote="beta", diagnostic=words)
    fields = {name: getattr(told, name) for name in told.__struct_fields__} | {"told": (one,)}
    act = Reported(**fields)
    assert all(len(line) < 90 for line in mail_of(act).decode().splitlines())
    (event,) = read(act)
    assert event.diagnostic == words


@pytest.mark.parametrize(("disposition", "kind"), [("displayed", Kind.READ), ("deleted", Kind.NOT_READ)])
def test_a_receipt_is_read_as_what_it_is(disposition: str, kind: Kind) -> None:
    """About the origin's entry, which its trace names."""
    stage = Stage()
    first = stage.enter()
    (event,) = read(stage.receive(first, disposition, original=READER))
    assert (event.kind, event.recipient, event.host, event.queue_id) == (kind, READER, "alpha", first.queue_id)


def test_a_receipt_has_the_form_of_a_user_agents() -> None:
    """The fields of RFC 8098."""
    stage = Stage()
    mail = message_from_bytes(mail_of(stage.receive(stage.enter())))
    theirs = sample("mdn_displayed.eml")
    assert [part.get_content_type() for part in mail.walk()] == [part.get_content_type() for part in theirs.walk()]
    (mine,), (other,) = (
        [part for part in one.walk() if part.get_content_type() == "message/disposition-notification"]
        for one in (mail, theirs)
    )
    assert mine.get_payload()[0].keys() == other.get_payload()[0].keys()  # type: ignore[index,union-attr]
    assert SENDER not in mine.as_string()
