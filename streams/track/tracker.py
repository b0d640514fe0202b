"""The tracker: batches of the log into state, alerts and queue states, and the state kept so that a kill loses nothing.

Rules:
- Order of effects: fold; alerts are written and acknowledged; changed segments are, then the manifest; the offset is
  committed with the manifest's id; only then are old segments removed, and those that nobody can commit any more.
- Recovery reads only what the committed manifest names, then the log from its offset. What was told before is known to
  be told; telling it again would say the same.
- Queue states are for the eye: they are told when state is kept, after it, so that what is kept knows every queue that
  was ever told, and one that owes nothing any more is told so, too. Who reads from the beginning takes from the topic
  what was told before, and tells nothing until its clock is where that was: of two counts the later tick's counts.
- A worker that was frozen and wakes up cannot commit: its state is dropped with the partition.
- Nothing is told under terms that the ledger has replaced: who has them ends, and begins again under the new.
- Who reads from the beginning while alarms stand keeps nothing until it has found all of them again, or all is read
  (`anew`). It commits how far it is in the name of no manifest: that it goes on is seen from outside, and the next
  life, or whoever is given the partition, begins anew. That costs who dies on the way what it has read; where nothing
  stands, state is kept as it goes.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from streams.core.errors import Unavailable
from streams.core.queues import Queue, queues
from streams.core.terms import Terms
from streams.kafka.deadletters import DeadLetters
from streams.kafka.names import ALERTS, EVENTS, QUEUES, tracker_group
from streams.kafka.ports import Committed, Log, Records
from streams.kafka.terms import TermsWatch
from streams.track.anew import Anew
from streams.track.counted import counted_before
from streams.track.drafts import Draft, Drafts
from streams.track.kept import Kept, snapshots
from streams.track.part import Part, read
from streams.track.recovery import recovered
from streams.track.replay import live
from streams.track.strays import stray
from streams.wall import Wall
from streams.wire import records as wire
from streams.wire.columns import Batch

log = logging.getLogger(__name__)

BATCH = 100_000
KEEP_EVERY = 1.0
"""Seconds between snapshots."""

REST = 20
"""Queues are counted for no more than one in so many seconds: with millions of messages open it takes a while."""

TOGETHER = 2
"""Partitions whose state is put back at once, since much of that is done without Python's lock."""

Reading = tuple[Part, Records, Future[Batch]]
"""Records of a partition that are being understood."""


class Tracker:
    """Follows the log for the partitions that the group gives it."""

    def __init__(
        self,
        records: Log,
        terms: Terms,
        member: str = "",
        wall: Wall | None = None,
        *,
        batch: int = BATCH,
        beside: Executor | None = None,
    ) -> None:
        """Join the group; partitions come with the first reads.

        Args:
            records: the ledger's log.
            terms: what is owed.
            member: static name in the group.
            wall: a clock for what is not decided by the log's.
            batch: how many records are read at once.
            beside: does what can be done beside the fold.
        """
        self.terms = terms
        self.parts: dict[int, Part] = {}
        self.events = 0
        self._kept: dict[int, Kept] = {}
        self._anew: dict[int, Anew] = {}
        self._log, self._wall = records, wall or Wall()
        self._writer = records.writer()
        self._letters = DeadLetters(self._writer)
        self._watch, self._asked = TermsWatch(records, terms), False
        self._kept_at = self._rest_until = self._wall.monotonic()
        self._batch, self._waiting = batch, list[Reading]()
        self._beside = beside or ThreadPoolExecutor(1)
        self._drafts = Drafts(self._writer, terms, self._beside.map)
        group = tracker_group(records.settings.ledger)
        self._reader = records.reader(EVENTS, group, member=member, assigned=self._assigned, revoked=self._revoked)

    def step(self, timeout: float = 0.2) -> int:
        """Take one batch and keep what changed if it is time; returns the number of events.

        While there is a backlog, one batch is understood by another thread while the one before it is folded.

        Raises:
            Unavailable: the ledger has other terms than ours, or the brokers do not do what must be done.
        """
        self._asked = False
        found = self._reader.read(self._batch, 0 if self._waiting else timeout)
        behind = sum(len(records.values) for records in found) >= self._batch
        ours = [(self.parts[records.partition], records) for records in found if records.partition in self.parts]
        fresh = [(part, records, self._beside.submit(read, records)) for part, records in ours]
        due, self._waiting = (self._waiting, fresh) if behind else ([*self._waiting, *fresh], [])
        count = sum(self._take(part, records, reading.result(), behind=behind) for part, records, reading in due)
        if not behind:
            self._look()
        if self._wall.monotonic() - self._kept_at >= KEEP_EVERY:
            self.keep()
        self.events += count
        return count

    def run(self, stopped: Callable[[], bool]) -> None:
        """Step until stopped, then keep and leave."""
        while not stopped():
            self.step()
        self.keep()
        self.close()

    def close(self) -> None:
        """Leave the group; nothing more is kept."""
        self._beside.shutdown()
        self._reader.close()

    # Records

    def _look(self) -> None:
        """Look at what waited for a backlog to be worked off."""
        for part in self.parts.values():
            if part.unlooked:
                self._tell(part, part.look())
        for number in [number for number, anew in self._anew.items() if anew.is_read(self.parts[number])]:
            part = self.parts[number]
            self._tell(part, self._anew.pop(number).ended(part))

    def _take(self, part: Part, records: Records, batch: Batch, *, behind: bool) -> int:
        if self.parts.get(part.partition) is not part:
            return 0  # it is another's by now, or was and has come back as it was kept
        if part.partition in self._anew:
            self._anew[part.partition].hear(batch.frame)
        effect = part.fold(records, batch, behind=behind)
        found = stray(records, self._log.settings.partitions)
        for index, reason in (*effect.bad, *([found] if found else [])):
            self._letters.put_record(EVENTS, records, index, reason)
        self._letters.judge(effect.events, len(effect.bad))
        self._tell(part, effect.alerts)
        return effect.events

    def _ask(self) -> None:
        """Once a step whether our terms still hold: whatever it tells is found at ticks that were read before."""
        if not self._asked and self._watch.superseded():
            raise Unavailable("The ledger has other terms by now.", hint="starting again under them")
        self._asked = True

    def _tell(self, part: Part, found: list[dict[str, Any]]) -> None:
        alerts = self._anew[part.partition].told(found) if part.partition in self._anew else found
        if not alerts:
            return
        self._ask()
        for alert in alerts:
            key = alert["alert_id"].hex() + "/" + alert["state"]
            self._writer.write(ALERTS, key.encode(), wire.encode("alert", alert))
        self._writer.flush()

    def _tell_queues(self, part: Part, kept: Kept, now: Sequence[Queue]) -> None:
        """What every queue owes, and that those told before owe nothing any more."""
        names = {(queue.host, queue.next_hop) for queue in now}
        for queue in (*now, *(Queue(host=host, next_hop=hop) for host, hop in sorted(kept.queues - names))):
            state = {"priority": 0, "partition": part.partition, "at": part.clock.through} | asdict(queue)
            key = f"{queue.host}/{queue.next_hop}/0/{part.partition}"
            self._writer.write(QUEUES, key.encode(), wire.encode("queue-state", state))
        kept.queues, kept.counted = names, part.offset

    # State

    def keep(self) -> None:
        """Keep what changed of every partition, and commit."""
        self._kept_at, spent = self._wall.monotonic(), 0.0
        rested, waiting = self._kept_at >= self._rest_until, self._waiting_anew()
        drafts: list[Draft] = []
        counted: list[tuple[Part, Kept, list[Queue]]] = []
        for number, part in self.parts.items():
            kept = self._kept[number]
            counts = rested and kept.is_uncounted(part)
            before = self._wall.monotonic()
            now = queues(part.custody) if counts else []
            spent += self._wall.monotonic() - before
            if part.offset > kept.offset and number not in waiting:
                told = {*kept.queues, *((queue.host, queue.next_hop) for queue in now)}
                drafts.append(self._drafts.write(part, kept, told))
            if counts:
                counted.append((part, kept, now))
        self._keep(drafts, waiting)
        for part, kept, now in counted:
            self._tell_queues(part, kept, now)
        self._rest_until = max(self._rest_until, self._kept_at + REST * spent - KEEP_EVERY)
        self._writer.flush()

    def _waiting_anew(self) -> set[int]:
        """Of which partitions nothing is kept yet."""
        return {number for number, anew in self._anew.items() if anew.waits}

    def _keep(self, drafts: Sequence[Draft], waiting: Collection[int]) -> None:
        """What was written counts from the commit on; then what it replaces is removed."""
        reached = {n: Committed(offset=self.parts[n].offset, metadata=self._anew[n].mark) for n in waiting}
        if not drafts and not reached:
            return
        self._writer.flush()
        for draft in drafts:
            self._drafts.name(draft)
        self._writer.flush()
        self._reader.commit(reached | {draft.part.partition: draft.place for draft in drafts})
        for draft in drafts:
            self._drafts.count(draft)

    # Partitions come and go

    def _assigned(self, committed: dict[int, Committed]) -> dict[int, int]:
        """Take up the state of partitions; answers from which offset to read each."""
        wanted = {n: c for n, c in committed.items() if c.offset is not None and c.metadata}
        held = snapshots(self._log, committed)
        starts, anew = {}, list[int]()
        with ThreadPoolExecutor(TOGETHER) as pool:
            back = pool.map(lambda n: recovered(n, wanted[n].metadata, held[n], self.terms), wanted)
            found = dict(zip(wanted, back, strict=True))
        for number in committed:
            part, kept = found.get(number, (None, None))
            self.parts[number] = part or Part.empty(number, self.terms)
            anew += [number] if part is None else []
            self._kept[number] = kept or Kept()
            self._kept[number].found = set(held[number])
            starts[number] = self.parts[number].offset
            log.info("partition %d: from offset %d", number, starts[number])
        if anew:
            for number, before in counted_before(self._log, anew).items():
                kept = self._kept[number]
                kept.queues, kept.since = before.owing, max(kept.since, before.through)
            told, spans = live(self._log), self._log.spans(EVENTS)
            self._anew |= {n: Anew(told, spans.get(n, (0, 0)), n, self.terms, committed[n]) for n in anew}
        return starts

    def _revoked(self, partitions: Sequence[int]) -> None:
        for number in partitions:
            part = self.parts.pop(number, None)
            kept = self._kept.pop(number, None)
            self._anew.pop(number, None)
            if part is not None and kept is not None and part.offset > kept.offset:
                log.info("partition %d: gone at offset %d, kept up to %d", number, part.offset, kept.offset)
