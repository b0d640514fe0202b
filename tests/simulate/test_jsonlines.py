"""Events as JSON lines are the events that they were."""

import io

from streams.collect.declaration import Source
from streams.collect.jsonlines import JsonParser
from streams.collect.parser import Piece
from streams.core.facts import COLUMNS
from streams.simulate import jsonlines
from streams.simulate.events import events
from streams.simulate.faults import HOUR
from streams.simulate.reading import Reading
from streams.simulate.stage import simulate


def test_the_collector_of_json_lines_reads_them_all() -> None:
    """Fact by fact, column by column; each is written when it could be read."""
    world = simulate(4, 60, span=HOUR).world
    told = [event for _, some in events(Reading(world)) for event in some]
    out, waited = io.BytesIO(), list[int]()
    assert jsonlines.write(events(Reading(world)), out, waited.append) == len(told)
    assert waited == sorted(waited)
    parser = JsonParser(Source(name="again", kind="jsonl"), world.declaration)
    pieces = [Piece(offset=number, raw=line) for number, line in enumerate(out.getvalue().splitlines())]
    read = parser.parse(pieces, file="-", observed_at=world.until)
    assert not parser.counts.unread
    for name in ("event_id", *COLUMNS):
        assert [getattr(event, name) for event in read] == [getattr(event, name) for event in told], name
