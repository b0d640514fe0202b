"""The compiled Postfix collector, as the image has it, tells what the interpreted one tells."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.bench import compiled
from tests.collect.postfix_logs import DATA, OBSERVED, case, day, parser, pieces

SWITCHES = ("origin", "relay", "dest")


def told() -> str:
    """A hash of all events, counts and checkpoints of the sample day and of all journeys."""
    found = sha256()
    for text in _texts():
        found.update(text.encode() + b"\0")
    return found.hexdigest()


def _texts() -> Iterator[str]:
    for host in SWITCHES:
        for raw in (
            day(host),
            *(case(path.name.removesuffix(".log.xz"), host) for path in sorted(DATA.glob("postfix/*.xz"))),
        ):
            reader = parser(host)
            log = pieces(raw)
            for half in (log[: len(log) // 2], log[len(log) // 2 :]):
                yield from map(repr, reader.parse(half, file="mail.log", observed_at=OBSERVED))
                after = parser(host)
                after.restore(reader.state())
                after.counts.add(reader.counts)
                reader = after
            yield repr((reader.counts.ignored, reader.counts.unread, reader.counts.examples, reader.through))


@pytest.mark.skipif(not compiled.is_possible(), reason="without gcc and Python's headers nothing can be compiled")
def test_the_compiled_collector_tells_the_same(tmp_path: Path) -> None:
    """Every event, count and checkpoint of the sample day and of all journeys is the same, compiled or not."""
    place = compiled.built(tmp_path)
    assert compiled.said(place, "from tests.collect.test_compiled import told; print(told())").strip() == told()
