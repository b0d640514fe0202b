"""What Custody's own collectors tell, written out as JSON lines, is read again as it was."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.collect.declaration import Declaration, Source
from streams.collect.evidence import Evidence
from streams.collect.guess import guessed, own
from streams.collect.jsonlines import JsonParser
from streams.collect.parser import Piece
from streams.core.events import Kind, MessageEvent
from streams.core.facts import COLUMNS
from streams.simulate.jsonlines import line
from tests.collect import report_mails
from tests.collect.postfix_logs import CLIENT, NAMED, Q1, told

DATA = Path(__file__).parents[1] / "data"
LOGS = sorted(path for name in ("postfix", "dovecot") for path in (DATA / name).glob("*.log.xz"))


def _assert_is_read(events: Sequence[MessageEvent]) -> None:
    parser = JsonParser(Source(name="again", kind="jsonl"), Declaration())
    pieces = [Piece(offset=number, raw=line(event)) for number, event in enumerate(events)]
    read = parser.parse(pieces, file="-", observed_at=1)
    assert [one.reason for one in parser.counts.examples] == []
    for name in ("event_id", *COLUMNS):
        assert [getattr(event, name) for event in read] == [getattr(event, name) for event in events], name


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.name)
def test_what_logs_tell(log: Path) -> None:
    """Every kind, with the actions and the places that each collector gives it."""
    _assert_is_read(list(Evidence(guessed([log]), share=own).events()))


def test_what_mails_tell() -> None:
    """Reports of every action, and receipts, those that take their disposition back, too."""
    whose = "Final-Recipient: rfc822;carol@dest.test\nOriginal-Message-ID: <wild-1@origin.test>\n"
    kinds = ("displayed", "displayed/error", "deleted", "deleted/error", "dispatched", "processed/x,failure", "denied")
    said = (
        f"Reporting-UA: ua.test\n{whose}Disposition: automatic-action/MDN-sent-automatically; {one}\n" for one in kinds
    )
    receipts = [report_mails.report(text, None, kind=report_mails.RECEIPT).encode() for text in said]
    events = report_mails.read(*report_mails.cases().values(), *receipts)
    assert {event.action for event in events} >= {"failed", "relayed", "displayed", "deleted", "processed"}
    _assert_is_read(events)


ENTRY: dict[str, tuple[str, Kind]] = {
    "expired": (f"postfix/qmgr[9]: {Q1}: from=<alice@x>, status=expired, returned to sender", Kind.REFUSED),
    "discard": (f"postfix/cleanup[8]: {Q1}: discard: header X: y from x[127.0.0.1]; from=<a@x>", Kind.DISCARDED),
}
"""What ends an entry of which no recipient was heard."""


@pytest.mark.parametrize("end", ENTRY)
def test_what_postfix_tells_of_a_whole_entry(end: str) -> None:
    """That it expired, or was thrown away: `removed` ends it."""
    said, kind = ENTRY[end]
    events = told("origin", CLIENT, NAMED, said, f"postfix/qmgr[9]: {Q1}: removed")
    assert [event.recipient for event in events if event.kind is kind] == [""]
    _assert_is_read(events)
