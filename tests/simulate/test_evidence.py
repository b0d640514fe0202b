"""A world's evidence in a folder: what collectors read of it, by time, and what gaps do to it."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from streams import profiles
from streams.collect.evidence import Evidence
from streams.collect.sources import read
from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent
from streams.simulate.evidence import STEP
from streams.simulate.pace import Pace
from streams.simulate.readback import Readback
from streams.simulate.world import Fate, Gap, Skew, World
from tests.simulate.worlds import MORNING, SECOND, Stage, journey, write

HOUR = 3600 * SECOND


def busy(messages: int = 12) -> Stage:
    """A message every five minutes."""
    stage = Stage()
    for _ in range(messages):
        journey(stage)
        stage.later(300)
    return stage


def gap(source: str, fate: Fate, since: float, until: float) -> Gap:
    """A gap between two minutes of the morning."""
    return Gap(
        source=source, since=MORNING + round(since * 60) * SECOND, until=MORNING + round(until * 60) * SECOND, fate=fate
    )


def written(folder: Path, world: World) -> Readback:
    """What the collectors see of a world."""
    write(world, folder)
    return Readback(folder, read(folder / "sources.toml"))


def facts(events: Iterable[MessageEvent]) -> set[bytes]:
    """Which facts they are."""
    return {event.event_id for event in events}


def everything(folder: Path, **fields: Any) -> list[MessageEvent]:
    """All events of a busy morning, as an import reads them."""
    write(busy().world(**fields), folder)
    return list(Evidence(read(folder / "sources.toml")).events())


def test_collectors_understand_every_line_and_tell_what_happened(tmp_path: Path) -> None:
    """Each message: submitted, handed on, delivered, reported, read."""
    played = written(tmp_path, busy().world())
    events = [event for _, batch in played.batches() for event in batch]
    assert not any(counts.unread for counts in played.counts.values())
    kinds = Counter(event.kind for event in events if event.recipient)
    assert kinds[Kind.SUBMITTED] == kinds[Kind.REPORTED] == kinds[Kind.READ] == 12
    assert kinds[Kind.DELIVERED] == 24
    assert {event.source for event in events} == {"alpha-log", "beta-log", "store-log", "reports"}


def test_the_steps_and_an_import_tell_the_same(tmp_path: Path) -> None:
    """Whether evidence is read as it grows or all at once."""
    played = written(tmp_path, busy().world())
    batches = list(played.batches())
    assert all(one < other for (one, _), (other, _) in pairwise(batches))
    assert facts(event for _, batch in batches for event in batch) == facts(everything(tmp_path / "again"))
    assert all(at - STEP <= event.occurred_at <= at for at, batch in batches for event in batch)


def test_the_declaration_is_that_of_the_world(tmp_path: Path) -> None:
    """As its sources.toml is read again; its terms stand beside it."""
    world = busy(1).world()
    write(world, tmp_path)
    declared = read(tmp_path / "sources.toml")
    assert declared.hosts == world.declaration.hosts
    assert declared.submission_points == world.declaration.submission_points
    assert [(one.name, one.kind, one.host) for one in declared.sources] == [
        (one.name, one.kind, one.host) for one in world.declaration.sources
    ]
    assert declared.until == world.until
    assert profiles.load(declared.terms).profile == profiles.load(world.declaration.terms).profile


def test_lost_evidence_is_not_there(tmp_path: Path) -> None:
    """Nothing of the span is in the log; all else is."""
    events = everything(tmp_path / "lost", gaps=(gap("store-log", Fate.LOST, 0, 29),))
    whole = everything(tmp_path / "whole")
    missing = [event for event in whole if event.event_id not in facts(events)]
    assert missing
    assert {event.source for event in missing} == {"store-log"}
    assert all(event.occurred_at < MORNING + 29 * 60 * SECOND for event in missing)


def test_a_lost_disk_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """The old log is kept, its last line is no line, and the new one begins after the gap."""
    played = written(tmp_path, busy().world(gaps=(gap("alpha-log", Fate.CUT, 20, 40),)))
    broken, whole = (Path(path) for path in played.declaration.sources[0].paths)
    assert not broken.read_bytes().endswith(b"\n")
    assert whole.name == "alpha.log"
    events = [event for _, batch in played.batches() for event in batch if event.source == "alpha-log"]
    spans = [(event.occurred_at - MORNING) // (60 * SECOND) for event in events]
    assert {minute < 20 for minute in spans} == {True, False}
    assert not any(20 <= minute < 40 for minute in spans)


@pytest.mark.parametrize("fate", [Fate.LATE, Fate.DOWN])
def test_late_evidence_comes_late_and_whole(tmp_path: Path, fate: Fate) -> None:
    """What was written from the tenth minute on is read in the fortieth."""
    played = written(tmp_path, busy().world(gaps=(gap("beta-log", fate, 10, 40),)))
    batches = list(played.batches())
    late = [(at, e) for at, batch in batches for e in batch if at > e.occurred_at + STEP]
    assert {event.source for _, event in late} == {"beta-log"}
    assert {at for at, _ in late} == {-(-(MORNING + 40 * 60 * SECOND) // STEP) * STEP}
    assert facts(event for _, batch in batches for event in batch) == facts(everything(tmp_path / "whole"))


@pytest.mark.parametrize("source", ["alpha-log", "store-log", "reports"])
def test_evidence_handed_in_twice_is_the_same_facts(tmp_path: Path, source: str) -> None:
    """The second file changes nothing but the number of pieces."""
    played = written(tmp_path, busy().world(gaps=(gap(source, Fate.TWICE, 10, 40),)))
    again = [event for _, batch in played.batches() for event in batch]
    whole = everything(tmp_path / "whole")
    assert len(again) > len(whole)
    assert facts(again) == facts(whole)


def test_a_clock_that_is_slow_shows_in_its_own_lines_alone(tmp_path: Path) -> None:
    """Ten minutes slow for the whole morning: the log is, the others are not, and nothing is read later."""
    skew = Skew(host="store", since=MORNING - HOUR, until=MORNING + 24 * HOUR, by=-600 * SECOND)
    played = written(tmp_path, busy().world(skews=(skew,)))
    delays = {
        event.source: at - event.occurred_at for at, batch in played.batches() for event in batch if event.recipient
    }
    assert 600 * SECOND <= delays["store-log"] <= 600 * SECOND + STEP
    assert delays["beta-log"] <= STEP


def test_uncollected_reports_are_not_there(tmp_path: Path) -> None:
    """Issued, and nobody fetched them."""
    events = everything(tmp_path, gaps=(gap("reports", Fate.LOST, 0, 29),))
    assert 0 < sum(event.source == "reports" for event in events) < 12


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    """Mails of another world would be evidence of this one."""
    write(busy(1).world(), tmp_path / "new")
    with pytest.raises(Misuse, match="not empty"):
        write(busy(1).world(), tmp_path / "new")
    with pytest.raises(Misuse, match="cannot be made"):
        write(busy(1).world(), tmp_path / "new" / "sources.toml" / "below")


class Watch:
    """Looks into the folder whenever the pace waits; each sleep takes the time that it takes."""

    def __init__(self, folder: Path) -> None:
        """Nothing seen yet."""
        self.folder, self.now, self.seen = folder, 0.0, list[tuple[float, dict[str, int]]]()

    def read(self) -> float:
        """What the clock shows."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """What stands there by now, in bytes."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        self.seen.append((self.now, {str(path.relative_to(self.folder)): path.stat().st_size for path in files}))
        self.now += seconds


def test_at_a_pace_the_files_grow_and_end_as_they_would(tmp_path: Path) -> None:
    """Late evidence comes late; byte by byte, all is there in the end."""
    world = busy().world(gaps=(gap("beta-log", Fate.LATE, 10, 40), gap("reports", Fate.TWICE, 20, 50)))
    write(world, tmp_path / "at once")
    watch = Watch(tmp_path / "paced")
    paced = Pace(speed=60, since=world.since, until=world.until, clock=watch.read, sleep=watch.sleep)
    write(world, tmp_path / "paced", pace=paced)
    assert watch.now == pytest.approx((world.acts[-1].at - world.since) / SECOND / 60)
    sizes = [seen.get("beta.log", 0) for _, seen in watch.seen]
    assert sizes == sorted(sizes)
    assert len({size for (now, _), size in zip(watch.seen, sizes, strict=True) if 11 < now < 39}) == 1
    assert len(set(sizes)) > 3
    assert all("sources.toml" in seen for _, seen in watch.seen)
    one, other = (contents(tmp_path / name) for name in ("at once", "paced"))
    assert one == other


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_that_become_readable_at_once_are_read_in_their_order(tmp_path: Path) -> None:
    """A log whose disk died while it was late: the broken file, the new one, and then what is read twice."""
    fates = ((Fate.LATE, 10, 50), (Fate.TWICE, 15, 22), (Fate.CUT, 25, 30))
    write(busy().world(gaps=tuple(gap("alpha-log", *fate) for fate in fates)), tmp_path)
    marks = [json.loads(line) for line in (tmp_path / "handed.jsonl").read_text().splitlines()]
    late = [mark["file"] for mark in marks if mark["source"] == "alpha-log" and mark["at"] > MORNING + 49 * 60 * SECOND]
    order = list(dict.fromkeys(late))
    assert order == [Path(path).name for path in read(tmp_path / "sources.toml").sources[0].paths]
    assert len(order) == 3
