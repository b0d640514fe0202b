"""Parts of Custody with one mistake each, of the kind that a change could bring: the simulation must catch them.

Rules:
- A mistake is one that the unit tests of its room may miss: it shows only where something dies, stands still, is given
  again or is not acknowledged.
- What nothing outside could tell from the right thing is no mistake, and not here: telling an alert again in the same
  words; taking up a state that is older than the stored offset, when reading goes on from where that state ends.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec
from tenacity import Retrying

from streams.collect.run import Collector
from streams.core.clock import Clock, Tick
from streams.core.errors import Unavailable
from streams.kafka import progress
from streams.kafka.names import EVENTS
from streams.kafka.ports import Committed, Place, Records, RecordWriter
from streams.respond import cases
from streams.respond.desk import Desk
from streams.track import segments, ticks
from streams.track.drafts import Draft, Drafts
from streams.track.kept import Kept, keys
from streams.track.part import Part
from streams.track.ticks import Ticker
from streams.track.tracker import Tracker
from streams.warehouse.feed import Feeds
from streams.warehouse.rows import START
from streams.wire import records as wire

Found = list[dict[str, Any]]
"""Alerts that a look found."""


class _Patient:
    """A writer that waits for nothing, or drops some records."""

    def __init__(self, writer: RecordWriter, *, drops: bytes | None = None) -> None:
        self.settings, self._writer, self._drops = writer.settings, writer, drops

    def write(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Hand over a record."""
        if self._drops is None or key is None or not key.startswith(self._drops):
            self._writer.write(topic, key, value, partition)

    def flush(self) -> None:
        """Wait for nothing, unless records are dropped."""
        if self._drops is not None:
            self._writer.flush()


# collectors


class ForgetfulCollector(Collector):
    """Stores its checkpoint before the events are acknowledged."""

    def _save(self, *, every: float) -> bool:
        del every
        self._store()
        self.writer.flush()
        return True


class BoastfulCollector(Collector):
    """Claims what it wrote before it has had it acknowledged."""

    _is_new = False

    def _take(self, pieces: Any, path: str) -> None:
        self._is_new = bool(pieces)
        super()._take(pieces, path)

    def _save(self, *, every: float) -> bool:
        if not self._is_new:
            self._claim()
        return not self._is_new and super()._save(every=every)


class HurriedCollector(Collector):
    """Claims the second in which it looked, in which more may yet be written."""

    def _claim(self) -> None:
        self._claimed = max(self._claimed, self.wall.now())
        super()._claim()


class LeapingCollector(Collector):
    """Begins where its log ends, when it is started again without a checkpoint."""

    def _begin(self, eyes: Any) -> None:
        super()._begin(eyes)
        if not self._places:
            eyes.look()


# the clock writer


class HastyTicker(Ticker):
    """Believes the wall clock."""

    def look(self) -> None:
        """Write a tick for now."""
        ticks.write(self._writer, Tick(through=self._wall.now()))


class ForgetfulTicker(Ticker):
    """Knows only the sources that spoke since it began."""

    def recall(self) -> None:
        """Forget."""


# trackers


class HastyTracker(Tracker):
    """Commits before what it kept is acknowledged."""

    def _keep(self, *args: Any) -> None:
        writer = self._writer
        self._writer = _Patient(writer)
        super()._keep(*args)
        self._writer = writer


class SilentTracker(Tracker):
    """Takes what it would tell for told, and tells it after the state is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Have nothing to tell."""
        self._later: list[tuple[Part, Found]] = []
        super().__init__(*args, **kwargs)

    def _tell(self, part: Part, found: Found) -> None:
        self._later.append((part, found))

    def _keep(self, *args: Any) -> None:
        super()._keep(*args)
        later, self._later = self._later, []
        for part, found in later:
            super()._tell(part, found)


class CarelessTracker(Tracker):
    """Takes an alert for told that the broker did not acknowledge."""

    def _tell(self, part: Part, found: Found) -> None:
        try:
            super()._tell(part, found)
        except Unavailable:
            self._writer = self._log.writer()
            self._drafts = Drafts(self._writer, self.terms, self._beside.map)


class TimelessTracker(Tracker):
    """Forgets the clock when it takes up a state."""

    def _assigned(self, committed: dict[int, Committed]) -> dict[int, int]:
        starts = super()._assigned(committed)
        for number in committed:
            self.parts[number].clock = Clock()
        return starts


class LeapingTracker(Tracker):
    """Goes on after the record that it should go on from."""

    def _assigned(self, committed: dict[int, Committed]) -> dict[int, int]:
        return {number: start + (1 if start else 0) for number, start in super()._assigned(committed).items()}


class _Drafting(Tracker):
    """Has drafts of another kind."""

    drafts: type[Drafts]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Have them."""
        super().__init__(*args, **kwargs)
        self._drafts = self.drafts(self._writer, self.terms, self._beside.map)


class _LosingDrafts(Drafts):
    def write(self, part: Part, kept: Kept, told: set[tuple[str, str]]) -> Draft:
        writer = self._writer
        self._writer = _Patient(writer, drops=f"segment/{part.partition}/{kept.number + 1:08d}".encode())
        draft = super().write(part, kept, told)
        self._writer = writer
        return draft


class LosingTracker(_Drafting):
    """Names a segment that it did not write."""

    drafts = _LosingDrafts


class _OmittingDrafts(Drafts):
    def _manifest(self, *args: Any) -> segments.Manifest:
        manifest = super()._manifest(*args)
        short = tuple((name, count - 1) for name, count in manifest.generations[-1:])
        return msgspec.structs.replace(manifest, generations=(*manifest.generations[:-1], *short))


class OmittingTracker(_Drafting):
    """Does not name the last segment that it wrote."""

    drafts = _OmittingDrafts


class _TidyDrafts(Drafts):
    def write(self, part: Part, kept: Kept, told: set[tuple[str, str]]) -> Draft:
        if part.renumbered:
            self._put(segments.manifest_key(part.partition, kept.manifest), None)
            for key in keys(part.partition, kept.generations):
                self._put(key, None)
            self._writer.flush()
        return super().write(part, kept, told)


class TidyTracker(_Drafting):
    """Removes what it kept before, before the new is kept."""

    drafts = _TidyDrafts


class ClingingTracker(Tracker):
    """Keeps the state of a partition that was another's meanwhile."""

    def _assigned(self, committed: dict[int, Committed]) -> dict[int, int]:
        old = {number: (self.parts[number], self._kept[number]) for number in committed if number in self.parts}
        starts = super()._assigned(committed)
        for number, (part, kept) in old.items():
            self.parts[number], self._kept[number], starts[number] = part, kept, part.offset
        return starts

    def _revoked(self, partitions: Sequence[int]) -> None:
        del partitions


class PersonalTracker(Tracker):
    """Tells an alert under an id of the worker's own."""

    def _tell(self, part: Part, found: Found) -> None:
        mine = [alert | {"alert_id": alert["alert_id"][:8] + self._drafts._word.encode()} for alert in found]
        super()._tell(part, mine)


class WordlessTracker(Tracker):
    """Names what it keeps by a number that another may use, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Have a word like all others."""
        super().__init__(*args, **kwargs)
        self._drafts._word = "word"


# the feed


class HastyFeed(Feeds):
    """Commits before its rows are stored."""

    def _events(self, batches: Sequence[Records]) -> int:
        for batch in batches:
            self._readers[EVENTS].commit({batch.partition: Committed(offset=batch.offsets[-1] + 1)})
        return super()._events(batches)


class HastyPlainFeed(Feeds):
    """The same, of the topics of low rate."""

    def _plain(self, topic: str, batch: Records) -> int:
        self._readers[topic].commit({batch.partition: Committed(offset=batch.offsets[-1] + 1)})
        return super()._plain(topic, batch)


class CarelessFeed(Feeds):
    """Takes rows for stored that the warehouse refused."""

    def _insert(self, *args: Any) -> None:
        insist, self._insist = self._insist, cast("Retrying", _once)
        super()._insert(*args)
        self._insist = insist


def _once(do: Any, *args: Any) -> Any:
    """Do it once, whatever comes of it."""
    with suppress(Unavailable):
        return do(*args)


class RepeatingFeed(Feeds):
    """Takes what is given again for new."""

    def _events(self, batches: Sequence[Records]) -> int:
        self._ends = {}
        return super()._events(batches)


class TimelessFeed(Feeds):
    """Forgets the clock when it takes up a partition."""

    def _clock_before(self, partition: int, offset: int) -> int:
        del partition, offset
        return START


# the desk


class CarelessDesk(Desk):
    """Takes a case for told that the broker did not acknowledge."""

    def _tell(self, topic: str, key: bytes, value: bytes) -> None:
        with suppress(Unavailable):
            super()._tell(topic, key, value)


class DoublingDesk(Desk):
    """Counts an alert again when it comes again."""

    def hear(self, value: bytes | None, place: Place) -> None:
        """Know an alert by its place."""
        alert = progress.plain(wire.decode("alert", value))
        alert["alert_id"] += str(place).encode() if alert["state"] == "raised" else b""
        super().hear(wire.encode("alert", alert), place)


class SparingDesk(Desk):
    """Does not tell a case again that it has in its table as it is."""

    def _file(self, alert: dict[str, Any]) -> None:
        raw = self._table.get(b"alert" + alert["alert_id"])
        member = msgspec.msgpack.decode(raw, type=cases.Member) if raw else cases.Member()
        if cases.filed(member, alert) != member:
            super()._file(alert)


class ShelvingDesk(Desk):
    """Looks for the case of a record by what the record says, not where its alert was filed."""

    def _file(self, alert: dict[str, Any]) -> None:
        elsewhere = cases.Member(case_id=cases.case_id(alert), raised_at=alert["at"])
        self._table[b"alert" + alert["alert_id"]] = msgspec.msgpack.encode(elsewhere)
        super()._file(alert)


MUTANTS: dict[str, tuple[Any, ...]] = {
    "collector": (ForgetfulCollector, BoastfulCollector, HurriedCollector, LeapingCollector),
    "ticker": (HastyTicker, ForgetfulTicker),
    "tracker": (
        HastyTracker,
        SilentTracker,
        CarelessTracker,
        TimelessTracker,
        LeapingTracker,
        LosingTracker,
        OmittingTracker,
        TidyTracker,
        ClingingTracker,
        PersonalTracker,
        WordlessTracker,
    ),
    "feed": (HastyFeed, HastyPlainFeed, CarelessFeed, RepeatingFeed, TimelessFeed),
    "desk": (CarelessDesk, DoublingDesk, SparingDesk, ShelvingDesk),
}
"""Which part is broken, and how."""
