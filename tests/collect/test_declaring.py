"""What a ledger is told before the first event."""

import pytest

from streams.collect import declaring
from streams.collect.declaration import Declaration, Source
from streams.core.errors import Misuse
from streams.kafka import progress, topics
from streams.kafka.terms import KEY, TERMS, terms_of
from streams.settings import Settings
from streams.track.timekeeper import Timekeeper
from tests.kafka.memory import MemoryLog, put


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """A ledger that nothing was told."""
    log = MemoryLog(Settings())
    monkeypatch.setattr(declaring, "KafkaLog", lambda _: log)
    monkeypatch.setattr(declaring, "write_all", lambda _, topic, records: put(log, topic, records))
    monkeypatch.setattr(topics, "create", lambda _: None)
    return log


def test_who_names_no_terms_changes_none(log: MemoryLog, caplog: pytest.LogCaptureFixture) -> None:
    """A ledger's terms stay where a declaration is silent; where it names others, that is said."""
    for named, used in (("guaranteed", "guaranteed"), ("", "guaranteed"), ("watch", "watch")):
        caplog.clear()
        declaring.declare(Settings(), Declaration(terms=named))
        assert terms_of(log)[1].profile.name == used
    assert "the ledger main has other terms from now on: watch" in caplog.text


def test_terms_that_are_kept_are_not_replaced_because_they_cannot_be_read(log: MemoryLog) -> None:
    """A collector that brings no terms of its own is refused, and nothing is written."""
    put(log, "progress", [(KEY, b"foreign")])
    with pytest.raises(Misuse, match="cannot be read"):
        declaring.declare(Settings(), Declaration())
    (records,) = log.topics["progress"]
    assert len(records) == 1


def told(log: MemoryLog) -> list[tuple[str, str]]:
    """What was said of sources, in order."""
    said = ((one["kind"], one["source"]) for one in progress.all_progress(log))
    return [one for one in said if one[1] != TERMS]


def declared(*names: str, live: bool = False) -> Declaration:
    """A declaration of sources."""
    return Declaration(sources=tuple(Source(name=name, kind="jsonl", live=live) for name in names))


def import_of(log: MemoryLog, *names: str, until: int | None) -> None:
    """An import begins, and ends."""
    declaring.declare(Settings(), declared(*names), reads=names)
    if until is not None:
        put(log, "progress", [progress.progressed(name, until) for name in names])


def test_an_import_that_is_under_way_again_is_waited_for(log: MemoryLog) -> None:
    """That it ended before says nothing of now: what is imported meanwhile does not end it."""
    import_of(log, "a", until=5)
    import_of(log, "b", until=6)
    assert told(log)[-2:] == [("withdrawn", "a"), ("progressed", "b")]
    import_of(log, "a", until=7)
    import_of(log, "a", until=None)
    assert declaring.unclaimed(log) == ["a"]
    before = len(told(log))
    import_of(log, "b", until=8)
    assert told(log)[before:] == [("declared", "b"), ("progressed", "b")]


def test_an_import_that_was_withdrawn_is_not_waited_for_when_it_ends(log: MemoryLog) -> None:
    """Beside live sources: nobody could withdraw it again, for the ledger would say that it waits for none."""
    import_of(log, "a", until=None)
    declaring.declare(Settings(), declared("b", live=True))
    put(log, "progress", [progress.progressed("a", 5)])
    declaring.end(Settings(), ["a"])
    keeper = Timekeeper()
    keeper.recall(progress.all_progress(log), 9)
    assert list(keeper.sources) == list(progress.live_sources(log)) == ["b"]
    assert progress.claims(log) == {}


def test_who_imports_what_is_followed_does_not_end_it(log: MemoryLog) -> None:
    """It is refused when it begins to read, and takes back what it declared: not what another follows."""
    declaring.declare(Settings(), declared("a", live=True))
    declaring.declare(Settings(), declared("a", "b"), reads=("a", "b"))
    declaring.end(Settings(), ["a", "b"])
    assert told(log) == [("declared", "a"), ("declared", "b"), ("withdrawn", "b")]
    assert progress.live_sources(log) == {"a"}


def test_who_imports_one_of_several_declares_what_was_not_imported_yet(log: MemoryLog) -> None:
    """The clock waits for the others once; beside live sources it does not, for nobody may ever read them."""
    declaring.declare(Settings(), declared("a", "b"), reads=("a",))
    put(log, "progress", [progress.progressed("a", 5)])
    assert told(log) == [("declared", "a"), ("declared", "b"), ("progressed", "a")]
    declaring.declare(Settings(), declared("a", "b"), reads=("b",))
    put(log, "progress", [progress.progressed("b", 6)])
    assert told(log)[3:] == [("declared", "b"), ("withdrawn", "a"), ("progressed", "b")]
    declaring.declare(Settings(), declared("c", live=True))
    declaring.declare(Settings(), declared("a", "b"), reads=("a",))
    assert told(log)[6:] == [("declared", "c"), ("withdrawn", "b"), ("declared", "a")]
