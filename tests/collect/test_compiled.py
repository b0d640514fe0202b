"""The compiled Postfix collector, as the image has it, tells what the interpreted one tells."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from streams.collect.parser import Piece
from streams.collect.postfix import PostfixParser
from streams.collect.proof import proofs
from streams.wire import envelope
from tests.bench import compiled
from tests.collect.postfix_logs import DATA, OBSERVED, case, day, parser, pieces

SWITCHES = ("origin", "relay", "dest")


def told() -> str:
    """A hash of all records, counts and checkpoints' effects of the sample day and of all journeys."""
    found = sha256()
    journeys = [path.name.removesuffix(".log.xz") for path in sorted(DATA.glob("postfix/*.xz"))]
    for host in SWITCHES:
        for raw in (day(host), *(case(name, host) for name in journeys)):
            for said in _read(host, pieces(raw)):
                found.update(said + b"\0")
    return found.hexdigest()


def _read(host: str, log: list[Piece]) -> Iterator[bytes]:
    """What a parser tells that is put away in the middle, and another that takes up its checkpoint."""
    first, second = parser(host), parser(host)
    yield from _records(first, log[: len(log) // 2])
    second.restore(first.state())
    yield from _records(second, log[len(log) // 2 :])
    for counts in (first.counts, second.counts):
        yield repr((counts.ignored, counts.unread, counts.examples)).encode()


def _records(reader: PostfixParser, log: list[Piece]) -> Iterator[bytes]:
    events = reader.parse(log, file="mail.log", observed_at=OBSERVED)
    yield from map(envelope.encode, events)
    yield from proofs(log, events, "log", "mail.log").values()


@pytest.mark.skipif(not compiled.is_possible(), reason="without gcc and Python's headers nothing can be compiled")
def test_the_compiled_collector_tells_the_same(tmp_path: Path) -> None:
    """Every record, count and checkpoint of the sample day and of all journeys is the same, compiled or not."""
    place = compiled.built(tmp_path)
    assert compiled.said(place, "from tests.collect.test_compiled import told; print(told())").strip() == told()
