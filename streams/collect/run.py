"""The collector: evidence of one source into the log, at least once, from its checkpoint on.

Rules:
- Order of effects: events and evidence are written; they are acknowledged; the checkpoint is stored; the progress is
  told. Whatever dies in between is done again, and the same events have the same ids.
- `through` is a claim that everything before it is in the log. A live source claims the second before the one in which
  it looked and found no more: whole seconds are all that most logs have. While it has more to read it says only that it
  lives, and that not as often as it stores; when its evidence is away it says nothing. An import claims nothing until
  its end; that it read something since it claimed last stands in its checkpoint, for it may die in between.
- A checkpoint is stored where it changed; where its claim alone did, seldom: an older one is as true (DECISIONS 104).
- What was read is not read again when it is declared otherwise: its events are in the log. It is said.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from streams.collect import checkpoint, evidence, mails, reading, rotation
from streams.collect.checkpoint import Checkpoint, Mark, Place, Trail
from streams.collect.declaration import Declaration, Source
from streams.collect.fitting import fitting
from streams.collect.follow import Look
from streams.collect.kinds import kind_of
from streams.collect.lookers import Looker, looker
from streams.collect.packed import STDIN
from streams.collect.parser import Parser, Piece, Unread
from streams.collect.proof import proofs
from streams.collect.rejection import Rejection
from streams.collect.seen import Seen
from streams.core.controls import without_controls
from streams.core.errors import Misuse
from streams.core.events import MessageEvent
from streams.kafka import progress
from streams.kafka.names import PROGRESS, REJECTIONS
from streams.wall import Wall

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between checkpoints of an import."""

LIVE_EVERY = 0.5
"""The same of a followed source: no alarm comes before the clock does."""

ALIVE_EVERY = 2.0
"""Seconds between claims that say only that a source lives; far below the clock writer's patience."""

POLL = 0.2
"""Seconds between looks at evidence that has nothing new."""

CLAIM_EVERY = 60.0
"""Seconds between checkpoints of a followed source that differ in their claim only: they may be of megabytes."""

SECOND = 1_000_000


class Writer(Protocol):
    """Where events go; see streams/kafka/writer.py."""

    def write(self, events: Sequence[MessageEvent], evidence: Mapping[bytes, bytes] | None = None) -> int:
        """Hand over events and what proves them."""
        ...

    def record(self, topic: str, key: bytes, value: bytes, partition: int = 0) -> None:
        """Hand over a record of another topic."""
        ...

    def flush(self) -> None:
        """Return only if everything before is acknowledged."""
        ...


NOTHING_NEW = "read before, to its end; nothing new"

OTHERWISE = (
    "what was read before was declared otherwise; to read it as it is declared now, import it into a new ledger "
    "(--ledger, with workers of its own) or a new data folder"
)

BEHIND = (
    "is older than what was read of its log before: a message that is in both may count twice, or stay open; to read "
    "all in its order, import it into a new ledger (--ledger, with workers of its own) or a new data folder"
)


def _nothing(_file: str, _done: int, _events: int) -> None:
    """Tell nobody."""


def _nobody(_events: Sequence[MessageEvent]) -> None:
    """Nobody hears."""


@dataclass(slots=True, kw_only=True)
class Collector:
    """Reads one source.

    Attributes:
        source: what is read.
        declaration: of hosts and submission points.
        writer: where events go.
        store: file of the checkpoint.
        wall: tells the time.
        told: told the file, the bytes of it that were read, and how many events came of them.
        hears: told the events.
        parser: its counts say what became of the pieces.
        is_unclaimed: events were read since an import of this source claimed its end.
    """

    source: Source
    declaration: Declaration
    writer: Writer
    store: Path
    wall: Wall = field(default_factory=Wall)
    told: Callable[[str, int, int], None] = _nothing
    hears: Callable[[Sequence[MessageEvent]], None] = _nobody
    parser: Parser = field(init=False)
    is_unclaimed: bool = field(init=False)
    _at: Checkpoint = field(default_factory=Checkpoint)
    _places: list[Place] = field(default_factory=list)
    _known: tuple[Mark, ...] | None = None
    _mails_read: Seen = field(default_factory=Seen)
    _claimed: int = 0
    _told: tuple[int, float] = (0, 0.0)
    _saved: float = 0.0
    _kept: Checkpoint | None = None
    _claim_due: float = 0.0
    _skew: int | None = None
    _meaning: bytes = b""
    _behind: set[str] = field(default_factory=set)
    _rejections: list[Rejection] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take up the checkpoint.

        Raises:
            Misuse: there is no such kind, or the checkpoint cannot be understood.
        """
        self.parser = kind_of(self.source).make(self.source, self.declaration)
        self.parser.counts.rejected = self._rejections.append
        self._at, self._meaning = checkpoint.load(self.store) or Checkpoint(), self.declaration.meaning(self.source)
        self._places, self._known, self._claimed = list(self._at.places), self._at.known, self._at.claimed
        self._mails_read = Seen(self._at.mails)
        self.is_unclaimed = self._at.is_unclaimed
        if self._at.state:
            self.parser.restore(self._at.state)
        self.parser.through = max(self.parser.through, self._at.through)

    @property
    def through(self) -> int:
        """Latest time seen, microseconds."""
        return self.parser.through

    @property
    def claimed(self) -> int:
        """Up to where all is known to be in the log, microseconds; 0 where nothing is."""
        return max(self._at.claimed, self._told[0])

    # to the end

    def read(self) -> None:
        """Read every file of the source to its end.

        Raises:
            Unavailable: something was not acknowledged, or the disk does not take the checkpoint.
        """
        with checkpoint.alone(self.store):
            self._all_mails() if kind_of(self.source).mails else self._all_logs()
            self._write(list(self.parser.close()))
            self._save(every=0)
        self.parser.counts.notes = self._notes()

    def _notes(self) -> tuple[str, ...]:
        """What is to be said of what was read before; of what is new, the counts say it."""
        if not self._at.has_read:
            return ()
        counts = self.parser.counts
        is_other = self._at.meaning not in {b"", self._meaning}
        said = [NOTHING_NEW] * (not counts.pieces and not counts.unread) + [OTHERWISE] * is_other
        return (*said, *(f"{path} {BEHIND}" for path in sorted(self._behind)))

    def _all_logs(self) -> None:
        """Read every log from where it was left on, through rotation."""
        for gone in rotation.lost(self._files(), self._places):
            reading.incomplete(self.parser.counts, gone.log, gone.offset, rotation.GONE)
        for file in rotation.files(self._files, lambda: self._places):
            self._log(file)

    def _all_mails(self) -> None:
        for path in self._files():
            evidence.set_reference(self.parser, self.source, path)
            self._mails(path)

    def _files(self) -> list[str]:
        return evidence.files(self.source)

    def _log(self, file: rotation.File) -> None:
        """Read a file of a log from where it was left."""
        evidence.set_reference(self.parser, self.source, file.path)
        known = None if file.path == STDIN else checkpoint.found(file.path, self._places)
        number, trail = known or (self._place_of_new(file), Trail())
        has_place = known is not None
        for pieces in self._chunks(file.path, trail):
            self._take(pieces, file.path)
            if file.behind:
                self._behind.add(file.path)
            if trail.place is not None and file.path != STDIN:
                place = msgspec.structs.replace(trail.place, log=file.log)
                self._places[number : number + has_place] = [place]
                has_place = True
            self._save(every=EVERY)

    def _place_of_new(self, file: rotation.File) -> int:
        """A log that was not read comes after those that were; a generation that is behind, before its log."""
        logs = [place.log for place in self._places]
        return logs.index(file.log) if file.behind and file.log in logs else len(logs)

    def _mails(self, path: str) -> None:
        """Read the mails of a file, unless they were read, all of them."""
        known, broken = mails.known_by(path), len(self.parser.counts.incomplete)
        if known in self._mails_read:
            return
        for pieces in self._chunks(path, None):
            self._take(pieces, path)
        if len(self.parser.counts.incomplete) == broken:
            self._mails_read.add(known)
        self._save(every=EVERY)

    def _chunks(self, path: str, trail: Trail | None) -> Iterable[Sequence[Piece]]:
        return evidence.chunks(self.source, path, self.parser.counts, lambda done: self.told(path, done, 0), trail)

    def finish(self, through: int) -> None:
        """Claim that everything up to `through` is in the log: an import at its end.

        Raises:
            Unavailable: it was not acknowledged, or the disk does not take the checkpoint.
        """
        self._tell(max(self._claimed, through))
        self.is_unclaimed = False
        with suppress(Misuse), checkpoint.alone(self.store):  # who reads it by now claims its end, too
            self._store()

    # as it is written

    def follow(self, stop: threading.Event) -> None:
        """Read what the source's log, folder or pipe is given, until told to stop.

        Raises:
            Misuse: it cannot be followed.
            Unavailable: something was not acknowledged, or the disk does not take the checkpoint.
        """
        for is_idle in self.looks(stop):
            if is_idle:
                stop.wait(POLL)

    def looks(self, stop: threading.Event) -> Iterator[bool]:
        """Follow, giving control back after each look; says if it found nothing.

        Raises:
            Misuse: it cannot be followed.
            Unavailable: something was not acknowledged, or the disk does not take the checkpoint.
        """
        self.parser.counts.told = self._warn
        eyes = looker(self.source, self.parser.counts, self._at, self._mails_read)
        with checkpoint.alone(self.store):
            try:
                self._begin(eyes)
                yield from self._watch(eyes, stop)
                self._claim_due = 0.0
                self._save(every=0)
            finally:
                eyes.close()

    def _warn(self, first: Unread) -> None:
        """Say at once what is not understood: whoever follows may never come to the end at which counts are shown."""
        place = without_controls(f"{first.file}:{first.offset}: {first.reason}")
        log.warning("%s: not understood, and told once a reason: %s", self.source.name, place)

    def _begin(self, eyes: Looker) -> None:
        """Keep what is older than the log's beginning: after a kill and a rotation it could not be told apart."""
        if self._known is None:
            self._known = eyes.known
            self._store()

    def _watch(self, eyes: Looker, stop: threading.Event) -> Iterator[bool]:
        looked, waits = Look(), False
        while not (stop.is_set() or looked.ended):
            at, is_live = self.wall.now(), looked.all_read and not kind_of(self.source).mails
            looked = eyes.look()
            if looked.away and not waits:
                log.warning("%s: waiting for %s", self.source.name, ", ".join(self.source.paths))
            waits = looked.away
            self._take(looked.pieces, looked.file)
            if is_live and looked.pieces:  # written since the last look, which had read all there was
                self._skew = self.wall.now() - self.through
            self._places, self._known = self._followed(eyes.place), eyes.known
            if looked.all_read:
                self._claimed = max(self._claimed, at // SECOND * SECOND - SECOND)
            if self._save(every=LIVE_EVERY) and not looked.away and self._has_news():
                self._claim()
            yield looked.idle

    def _followed(self, place: Place | None) -> list[Place]:
        """How far the one log was read that is followed."""
        log = rotation.name_of(self.source.paths[0])
        return [] if place is None else [msgspec.structs.replace(place, log=log)]

    # the effects, in their order

    def _take(self, pieces: Sequence[Piece], path: str) -> None:
        if not pieces:
            return
        now = self.wall.now()
        events = fitting(pieces, list(self.parser.parse(pieces, file=path, observed_at=now)), path, self.parser.counts)
        if events and not self._claimed:  # a log has nothing before its first line
            self._claimed = min(now, *(event.occurred_at for event in events)) - SECOND
        keep = self.declaration.keep_raw
        self._write(events, proofs(pieces, events, self.source.name, path) if keep else None)
        for one in self._rejections:
            self.writer.record(REJECTIONS, one.rejection_id, one.encode())
        self._rejections.clear()
        self.told(path, 0, len(events))
        self.hears(events)

    def _write(self, events: Sequence[MessageEvent], evidence: Mapping[bytes, bytes] | None = None) -> None:
        self.is_unclaimed = self.is_unclaimed or bool(events)
        self.writer.write(events, evidence)

    def _save(self, *, every: float) -> bool:
        """Have everything acknowledged, then store the checkpoint; not more often than it is worth."""
        now = self.wall.monotonic()
        if now - self._saved < every:
            return False
        self.writer.flush()
        self._store()
        self._saved = now
        return True

    def _store(self) -> None:
        """Store the checkpoint where something in it changed; where it is the claim alone, not as often."""
        at, kept, now = self._checkpoint(), self._kept, self.wall.monotonic()
        if kept is not None and now < self._claim_due:
            kept = msgspec.structs.replace(kept, claimed=at.claimed)
        if at != kept:
            checkpoint.save(self.store, at)
            self._kept, self._claim_due = at, now + CLAIM_EVERY

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            places=tuple(self._places),
            known=self._known,
            mails=self._mails_read.packed,
            through=self.through,
            claimed=self._claimed,
            state=self.parser.state(),
            meaning=self._meaning if self.parser.counts.pieces else self._at.meaning,
            is_unclaimed=self.is_unclaimed,
        )

    def _has_news(self) -> bool:
        """Has the claim moved, or is it long since anybody heard that this source lives."""
        claimed, at = self._told
        return self._claimed != claimed or self.wall.monotonic() - at >= ALIVE_EVERY

    def _claim(self) -> None:
        self._tell(self._claimed)

    def _tell(self, through: int) -> None:
        """Tell how far this source is, unless it knows nothing yet."""
        if through > 0:
            name, live = self.source.name, self.source.live
            self.writer.record(
                PROGRESS, *progress.progressed(name, through, live=live, at=self.wall.now(), skew=self._skew)
            )
            self.writer.flush()
            self._told = through, self.wall.monotonic()
