"""The clock writer: it waits for who speaks, goes on without who is silent, and never goes back."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.clock import Tick
from streams.track.timekeeper import SECOND, Timekeeper


def said(source: str, through: int | None = None, at: int = 0, kind: str = "progressed", **more: Any) -> dict[str, Any]:
    """A progress record; seconds."""
    micros = None if through is None else through * SECOND
    return {"source": source, "kind": kind, "through": micros, "at": at * SECOND, "live": False, "terms": "", **more}


def keeper(*records: dict[str, Any]) -> Timekeeper:
    """A timekeeper that heard some records; what no record declares was declared when it spoke first."""
    one, known = Timekeeper(), {"terms", *(record["source"] for record in records if record["kind"] == "declared")}
    for record in records:
        if record["source"] not in known:
            tell(one, record | {"kind": "declared", "through": None})
            known.add(record["source"])
        tell(one, record)
    return one


def tell(clock: Timekeeper, record: dict[str, Any]) -> None:
    """It hears a record when it is said."""
    clock.hear(record, record["at"])


def watched(clock: Timekeeper, since: int, until: int) -> list[Tick]:
    """The ticks of a clock writer that looks every second from one to another."""
    ticks = [clock.tick(now * SECOND) for now in range(since, until + 1)]
    return [tick for tick in ticks if tick is not None]


def test_an_import_waits_for_all_its_sources() -> None:
    """A declared source that said nothing holds the clock, however long it takes."""
    clock = keeper(said("a", kind="declared"), said("b", kind="declared"), said("a", 100))
    assert clock.tick(10**15) is None
    tell(clock, said("b", 50))
    assert clock.tick(10**15) == Tick(through=50 * SECOND)


def test_a_live_source_that_says_nothing_is_silent() -> None:
    """After a minute the clock goes on without it, and says so."""
    clock = keeper(said("a", 100, at=100, live=True), said("b", 300, at=300, live=True))
    assert watched(clock, 155, 215) == [Tick(through=100 * SECOND)]
    assert watched(clock, 216, 301) == [Tick(through=300 * SECOND, silent=("a",))]


def test_a_live_source_whose_lines_have_wrong_times_is_doubted() -> None:
    """By more than the terms allow, in either direction, until its clock is right again; an import has no clock."""
    slow: dict[str, Any] = {"skew": 600 * SECOND, "live": True}
    clock = keeper(said("a", 100, at=100, **slow), said("b", 100, skew=-600 * SECOND))
    assert watched(clock, 100, 101) == [Tick(through=100 * SECOND, doubted=("a",))]
    tell(clock, said("terms", kind="declared", text='name = "x"\nclock_doubt = 900\nreport = {}\nstuck = {}'))
    for source in ("a", "b"):
        tell(clock, said(source, 110, at=110, **slow))
    assert watched(clock, 110, 111) == [Tick(through=110 * SECOND)]
    tell(clock, said("terms", kind="declared", text="none"))
    for source in ("a", "b"):
        tell(clock, said(source, 120, at=120, live=True, skew=-901 * SECOND if source == "a" else 0))
    assert watched(clock, 120, 121) == [Tick(through=120 * SECOND, doubted=("a",))]


def test_a_clock_writer_that_was_frozen_blames_nobody() -> None:
    """It wakes up and hears one source first: the others said as much meanwhile, and are heard in a moment."""
    clock = keeper(said("a", 100, at=100, live=True), said("b", 100, at=100, live=True))
    watched(clock, 100, 101)
    tell(clock, said("a", 299, at=299, live=True))
    assert clock.tick(300 * SECOND) is None
    tell(clock, said("b", 299, at=299, live=True))
    assert clock.tick(300 * SECOND) == Tick(through=299 * SECOND)


def test_a_broker_that_was_away_makes_no_source_silent() -> None:
    """Nobody was heard: it was not the sources. Who is not heard afterwards is silent."""
    clock = keeper(said("a", 100, at=100, live=True), said("b", 100, at=100, live=True))
    assert watched(clock, 100, 220) == [Tick(through=100 * SECOND)]
    tell(clock, said("a", 221, at=221, live=True))
    assert watched(clock, 221, 280) == []
    tell(clock, said("a", 290, at=290, live=True))
    assert watched(clock, 290, 291) == [Tick(through=290 * SECOND, silent=("b",))]


def test_whether_a_source_lives_is_told_by_our_clock() -> None:
    """A host whose clock is wrong is no less there while it talks, and dead when it does not."""
    for wrong in (-3600, 3600):
        clock = keeper(said("a", kind="declared", at=900, live=True), said("b", 900, at=900, live=True))
        for now in range(900, 1000):
            clock.hear(said("a", now + wrong, at=now + wrong, live=True), now * SECOND)
            tell(clock, said("b", now, at=now, live=True))
            clock.tick(now * SECOND)
            assert not clock.last.silent
        for now in range(1000, 1061):
            tell(clock, said("b", now, at=now, live=True))
            clock.tick(now * SECOND)
        assert clock.last == Tick(through=1060 * SECOND, silent=("a",))


def test_what_is_looked_up_again_does_not_say_that_its_source_lives() -> None:
    """It was said before it fell silent."""
    spoken = (said("a", 100, at=100, live=True), said("b", 300, at=300, live=True))
    words = (*(one | {"kind": "declared", "through": None} for one in spoken), *spoken)
    clock = keeper(*words)
    assert watched(clock, 155, 301)[-1] == Tick(through=300 * SECOND, silent=("a",))
    clock.recall(words, 302 * SECOND)
    tell(clock, said("b", 302, at=302, live=True))
    assert watched(clock, 302, 302) == [Tick(through=302 * SECOND, silent=("a",))]


def test_a_live_source_is_not_believed_to_be_further_than_our_clock() -> None:
    """Its own is fast: the clock would wait an hour for everybody else's evidence, and call them late."""
    clock = keeper(said("a", kind="declared", at=100, live=True))
    clock.hear(said("a", 3700, at=3700, live=True), 100 * SECOND)
    assert clock.tick(100 * SECOND) == Tick(through=100 * SECOND)


def test_where_every_source_is_silent_the_clock_goes_on_by_the_wall() -> None:
    """A server alone whose collector has died: after another minute somebody is told, and again who is heard first."""
    clock = keeper(said("a", 100, at=100, live=True))
    assert watched(clock, 100, 221) == [Tick(through=100 * SECOND)]
    assert watched(clock, 222, 223) == [Tick(through=one * SECOND, silent=("a",)) for one in (221, 222)]
    tell(clock, said("a", 150, at=224, live=True))
    assert watched(clock, 224, 225) == []
    tell(clock, said("a", 225, at=226, live=True))
    assert watched(clock, 226, 227) == [Tick(through=225 * SECOND)]


def test_an_import_holds_the_clock_though_every_live_source_is_silent() -> None:
    """It says how far it is at its end; the wall says nothing of it."""
    clock = keeper(said("a", 100, at=100, live=True), said("old", kind="declared"))
    assert watched(clock, 100, 400) == []


def test_before_all_are_called_silent_we_look_once_more_for_what_they_said() -> None:
    """When the first is missed, and when the last patience is over."""
    clock = keeper(said("a", 100, at=100, live=True), said("b", 120, at=120, live=True))
    assert [now for now in range(100, 400) if clock.misses(now * SECOND)] == [161, 181, 242]


def test_who_holds_a_clock_that_stands_still_is_named_once() -> None:
    """It came back after a silence and has a day to read: no claim is later than the last tick, and it must be told."""
    clock = keeper(said("a", 100, at=100, live=True), said("b", 300, at=300, live=True))
    assert watched(clock, 155, 301)[-1] == Tick(through=300 * SECOND, silent=("a",))
    ticks = []
    for now in range(302, 500):
        tell(clock, said("a", 101, at=now, live=True))
        tell(clock, said("b", now, at=now, live=True))
        ticks += watched(clock, now, now)
    assert ticks == [Tick(through=300 * SECOND + 1, behind=("a",))]
    tell(clock, said("a", 498, at=500, live=True))
    assert watched(clock, 500, 500) == [Tick(through=498 * SECOND)]


def test_an_import_beside_live_sources_that_holds_the_clock_is_named() -> None:
    """Once: it may have been killed, and nobody would ever hear why there are no alarms."""
    clock = keeper(said("a", 100, at=100, live=True))
    assert watched(clock, 100, 100) == [Tick(through=100 * SECOND)]
    tell(clock, said("old", kind="declared", at=101))
    ticks = []
    for now in range(101, 300):
        tell(clock, said("a", now, at=now, live=True))
        ticks += watched(clock, now, now)
    assert ticks == [Tick(through=100 * SECOND + 1, behind=("old",))]
    tell(clock, said("old", kind="withdrawn"))
    assert watched(clock, 300, 300) == [Tick(through=299 * SECOND)]


def test_a_new_clock_writer_waits_for_who_may_be_about_to_speak() -> None:
    """What it reads was said long ago; it was not there to hear more."""
    clock = keeper(said("a", 900, at=900, live=True), said("b", 1000, at=1000, live=True))
    assert watched(clock, 1000, 1059) == [Tick(through=900 * SECOND, behind=("a",))]


def test_a_source_that_lags_holds_the_clock_and_is_named() -> None:
    """Talking, but more than a minute behind: the clock waits for it."""
    clock = keeper(said("a", 100, at=300, live=True), said("b", 300, at=300, live=True))
    assert clock.tick(301 * SECOND) == Tick(through=100 * SECOND, behind=("a",))


def test_a_withdrawn_source_is_no_longer_waited_for() -> None:
    """What was declared may be taken back."""
    clock = keeper(said("a", kind="declared"), said("b", 10), said("a", kind="withdrawn"))
    assert clock.tick(0) == Tick(through=10 * SECOND)


def test_what_a_source_says_after_its_withdrawal_holds_no_clock() -> None:
    """An import that was withdrawn while it read, and comes to its end: nobody could let the clock go again."""
    clock = keeper(said("a", 100, at=100, live=True), said("old", kind="declared"), said("old", kind="withdrawn"))
    tell(clock, said("old", 50, at=101))
    tell(clock, said("a", 101, at=102, live=True))
    assert watched(clock, 102, 102) == [Tick(through=101 * SECOND)]
    tell(clock, said("old", kind="declared", at=103))
    tell(clock, said("old", 102, at=104))
    tell(clock, said("a", 103, at=104, live=True))
    assert watched(clock, 104, 104) == [Tick(through=102 * SECOND)]


def test_who_is_followed_after_an_import_is_not_behind_at_once() -> None:
    """The clock stands since the import's end, for nobody; who is declared live has the whole of its time to speak."""
    clock = keeper(*(said(name, 100, at=200) for name in "abc"))
    assert watched(clock, 200, 600) == [Tick(through=100 * SECOND)]
    tell(clock, said("a", kind="declared", at=600, live=True))
    assert watched(clock, 600, 600) == []
    for name in "bc":
        tell(clock, said(name, kind="withdrawn"))
    for now in range(601, 605):
        tell(clock, said("a", now - 1, at=now, live=True))
        assert watched(clock, now, now) == [Tick(through=(now - 1) * SECOND)]


def test_the_terms_that_were_declared_last_stand_in_the_tick() -> None:
    """A tick says which terms the clock writer knew."""
    clock = keeper(said("terms", kind="declared", terms="v1"), said("terms", kind="declared", terms="v2"), said("a", 1))
    assert clock.tick(0) == Tick(through=SECOND, terms="v2")


def test_without_a_source_there_is_no_time() -> None:
    """Nobody's evidence is nobody's clock."""
    assert keeper().tick(10**15) is None


progress = st.builds(
    said,
    st.sampled_from(("a", "b", "c")),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.sampled_from(("declared", "progressed", "withdrawn")),
    live=st.booleans(),
)


@given(st.lists(st.tuples(progress, st.integers(0, 2000))))
def test_the_clock_never_goes_back(course: list[tuple[dict[str, Any], int]]) -> None:
    """Whatever is heard in whatever order, each tick is later than the one before."""
    clock = Timekeeper()
    ticks = []
    for record, now in course:
        clock.hear(record, now * SECOND)
        ticks.append(clock.tick(now * SECOND))
    throughs = [one.through for one in ticks if one]
    assert throughs == sorted(set(throughs))


@given(st.lists(progress), st.randoms())
def test_the_order_in_which_an_import_is_heard_does_not_matter(records: list[dict[str, Any]], random: Any) -> None:
    """Progress is a join: any order and any repetition of it ends at the same tick."""
    declared = [said(name, kind="declared") for name in {record["source"] for record in records}]
    some = [record | {"live": False} for record in records if record["kind"] != "withdrawn"]
    again = [*some, *some]
    random.shuffle(again)
    assert keeper(*declared, *some).tick(0) == keeper(*declared, *again).tick(0)


def test_before_a_source_is_called_silent_we_look_for_what_it_said() -> None:
    """Once for each silence: what it said may be on its way to us."""
    clock = keeper(said("a", 100, at=100, live=True), said("b", 300, at=300, live=True))
    asked = [now for now in range(155, 301) if clock.misses(now * SECOND)]
    assert asked == [216]
    tell(clock, said("a", 300, at=300, live=True))
    asked = [now for now in range(301, 400) if clock.misses(now * SECOND)]
    assert asked == [361]
