"""Postfix logs to events.

Rules:
- A line is told apart by its program's daemon, then by its queue id; what an entry said before is remembered.
- A program whose name ends in the name of a Postfix daemon counts (`postfix-out/smtp`, `mx.example.org/alt/smtp`).
- The host is the source's declared one, else what the line says, by its declared name.
- Lines of daemons that carry nothing for custody are counted; a line that should be understood and is not is counted
  with its place and reason. So is one by which the syslog daemon says that it lost others.
"""

import sys
from collections.abc import Iterable, Sequence

import msgspec

from streams.collect.checkpoint import memory_of
from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Piece, columns
from streams.collect.postfix_again import Again
from streams.collect.postfix_attempt import attempted
from streams.collect.postfix_check import accept
from streams.collect.postfix_desk import SECOND, Desk, Head, Read, Speak
from streams.collect.postfix_door import screen, screened
from streams.collect.postfix_entry import VERSION, Memory, Spool
from streams.collect.postfix_queue import bounce, cleanup, postsuper, qmgr, unsent
from streams.collect.postfix_scanner import SCANNER, about, scanned
from streams.collect.postfix_session import APART, picked_up, smtpd, spoken, warned
from streams.collect.queueid import is_queue_id
from streams.collect.syslog import DATED, NO_DATE, Reader, lost_lines
from streams.collect.wrapping import host_in, may_be_line, unwrapped
from streams.core.events import MessageEvent

LINGER = 180 * SECOND
"""Microseconds of log time for which a removed entry is still known: late lines about it come within seconds, pickup's
of a requeued one within a minute."""

SWEEP = 3_600 * SECOND
"""How often stale entries are looked for, in log time."""

UNBORN = 86_400 * SECOND
"""After this time, an entry that never reached the queue will not."""

FORGOTTEN = 60 * UNBORN
"""After this time, an entry in the queue is forgotten: its end was never logged."""

LONGEST = 16_384
"""Characters of a line that are read; Postfix and syslog daemons write a few thousand at most."""

_HEADS = 8_192

_PARTS = 3
"""What stands before a line's text, a queue id, and what is said of it."""

_SPOKEN = 2
"""The same of a line that names no queue id, as most of these have no other colon."""

_READERS: dict[str, Read] = {
    **dict.fromkeys(("smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard", "relay"), attempted),
    **dict.fromkeys(("bounce", "defer", "trace"), bounce),
    "cleanup": cleanup,
    "pickup": picked_up,
    "postscreen": screened,
    "postsuper": postsuper,
    "qmgr": qmgr,
    "oqmgr": qmgr,
    "nqmgr": qmgr,
    "smtpd": smtpd,
    SCANNER: about,
}

_SPEAKERS: dict[str, Speak] = {
    "bounce": unsent, "cleanup": warned, "postscreen": screen, "smtpd": spoken, SCANNER: scanned
}  # fmt: skip
"""Who reads what a daemon says of no entry, if that may carry something."""


class PostfixParser:
    """Reads the log of one Postfix host (all its instances), or of many hosts in one file.

    Attributes:
        reference: microseconds UTC that no year-less line is later than, by more than a day (the time the file was
            written); None: the time it is read.
        through: microseconds UTC, the latest time seen.
    """

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Set up for one source."""
        self.source, self.declaration = source, declaration
        self.reference: int | None = None
        self.through = 0
        self._reader = Reader(source.year, source.timezone)
        self._desk = Desk(source.name, declaration)
        self._desk.correct = self._correct
        self._again = Again(source, declaration, self._reader)
        self._heads: dict[str, Head] = {}
        self._swept_at = 0
        self._restored = False
        self.counts = self._desk.counts

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> list[MessageEvent]:
        """The events of these lines, in order."""
        desk = self._desk
        self._reader.reference = observed_at if self.reference is None else self.reference
        self.counts.pieces += len(pieces)
        if file != desk.file or (self._restored and pieces and pieces[0].offset == 0):
            self._again.begin(pieces, self.through)
            if desk.file:  # a copy may begin in the second in which the log ended
                desk.told.clear()
        self._restored = self._restored and not pieces
        if self._again.first >= 0:
            pieces = self._untold(pieces)
        desk.open(file, observed_at)
        offsets, texts = columns(pieces)
        if max(map(len, texts), default=0) > LONGEST:  # a journal record is longer than its message
            texts = [text if text.startswith("{") else text[:LONGEST] for text in texts]
        self._read(desk, offsets, texts)
        events, desk.events = desk.events, []
        self.counts.events += len(events)
        return events

    def close(self) -> Iterable[MessageEvent]:
        """At the end of an import nothing will say any more that a message on hold was rejected: it is there."""
        desk = self._desk
        for spool in () if self.source.live else desk.spools.values():
            _accept(desk, spool, sys.maxsize)
        events, desk.events = desk.events, []
        self.counts.events += len(events)
        return events

    def state(self) -> bytes:
        """The memory of open entries, for the checkpoint."""
        desk = self._desk
        memory = Memory(
            spools=desk.spools,
            removed=tuple(desk.removed),
            clock=self._reader.state(),
            at=desk.at,
            through=self.through,
            seq=desk.seq,
            swept_at=self._swept_at,
            told=desk.told,
            file=desk.file,
            again=self._again.state(),
        )
        return msgspec.msgpack.encode(memory)

    def restore(self, state: bytes) -> None:
        """Take up the memory of a checkpoint.

        Raises:
            Misuse: it is of another version.
        """
        memory = memory_of(state, Memory, VERSION, self.source.name)
        self._desk.restore(memory)
        self._again.restore(memory.again)
        self._restored = True
        self._reader.restore(memory.clock)
        self._heads.clear()
        self.through, self._swept_at = memory.through, memory.swept_at

    def _untold(self, pieces: Sequence[Piece]) -> list[Piece]:
        """The pieces that were not told before; the others are counted."""
        untold = list(self._again.untold(pieces, self._desk.spools))
        if len(untold) < len(pieces):
            self.counts.ignored["told before"] += len(pieces) - len(untold)
        return untold

    def _read(self, desk: Desk, offsets: Iterable[int], texts: Iterable[str]) -> None:
        """Have each line read by who knows its daemon; one loop, since this is done for every line."""
        reader, known, ignored, dated = self._reader, self._heads.get, desk.ignored, DATED
        date = NO_DATE
        for desk.offset, text in zip(offsets, texts, strict=True):
            if text.startswith(date):  # most lines share their second with the line before
                desk.seq += 1
                parts = text.split(": ", 2)
                parts[0] = parts[0][dated:]
            elif (said := self._timed(desk, text)) is None:
                continue
            else:
                parts, date = said.split(": ", 2), reader.date if reader.at == desk.at else NO_DATE
            head = known(parts[0]) or self._head(parts)
            if head.read is None:
                parts, head = self._within(parts, head)
            desk.head, desk.spool = head, (spool := head.spool)
            if head.read is None:
                if "messages" in text and _is_loss(parts):
                    desk.unread("the syslog daemon lost lines")
                else:
                    ignored[head.daemon] += 1
            elif len(parts) == _PARTS and ((entry := spool.entries.get(parts[1])) or is_queue_id(parts[1])):
                head.read(desk, parts[1], entry, parts[2])
            else:
                head.speak(desk, parts[1] if len(parts) == _SPOKEN else ": ".join(parts[1:]))

    def _within(self, parts: list[str], head: Head) -> tuple[list[str], Head]:
        """A container's line that is the text of one that names the container, in parts; any other as it is."""
        if len(parts) == 1 or not may_be_line(parts[1]):
            return parts, head
        said = ": ".join(parts)
        line = unwrapped(said, self._desk.at)
        if line is said:
            return parts, head
        parts = line.split(": ", 2)
        return parts, self._heads.get(parts[0]) or self._head(parts)

    def _timed(self, desk: Desk, text: str) -> str | None:
        """What a line of another time than the one before it says; None where it has no time."""
        timed = self._reader.timed(text)
        if timed is None:
            desk.unread("no time that can be read" if text.strip() else "an empty line")
            return None
        if timed[0] == desk.at:
            desk.seq += 1
        else:
            self._tick(timed[0])
        return timed[1][:LONGEST]

    def _head(self, parts: list[str]) -> Head:
        """Host, service, daemon and process of `host postfix-out/submission/smtpd[123]`."""
        text = parts[0] if len(parts) > 1 else ""
        host, _, tag = text.rpartition(" ")
        program, _, pid = tag.partition("[")
        service, _, daemon = program.rpartition("/")
        read = _READERS.get(daemon) if service or daemon == SCANNER else None
        if read is None:
            daemon = self._desk.counted(daemon if "postfix" in service else program or "(no program)")
        name = self.source.host or self.declaration.host_of(host_in(host))
        spool = self._desk.spools.setdefault(name, Spool(host=name, since=self._desk.at)) if read else self._desk.spool
        speak = _SPEAKERS.get(daemon, _ignore)
        head = Head(spool=spool, service=service, daemon=daemon, pid=pid.rstrip("]"), read=read, speak=speak)
        if len(self._heads) >= _HEADS:  # processes come and go
            self._heads.clear()
        self._heads[text] = head
        return head

    # Time

    def _tick(self, at: int) -> None:
        """Count lines within a second; facts that are alike are told apart within it only."""
        desk = self._desk
        if at // SECOND == desk.at // SECOND:
            desk.seq += 1
        else:
            desk.seq = 0
            desk.told.clear()
            if at > self.through:
                self._forget(at)
        desk.at = at
        self.through = max(self.through, at)

    def _correct(self, at: int) -> bool:
        """Was the line at hand said at `at`, in the other of two hours that are called alike; it is so from here on."""
        other = self._reader.other(self._desk.at)
        if other == self._desk.at or not -APART <= at - other <= APART:
            return False
        self._reader.correct(other)
        self._tick(other)
        return True

    def _forget(self, at: int) -> None:
        """Drop what was removed a while ago, and now and then what will never be heard of again."""
        removed, spools = self._desk.removed, self._desk.spools
        while removed and removed[0][0] < at - LINGER:
            _, host, queue_id = removed.popleft()
            entries = spools[host].entries
            entry = entries.get(queue_id)
            if entry and entry.removed_at is not None and entry.removed_at < at - LINGER:
                del entries[queue_id]
                if entry.requeued:  # the one before it was known for as long as this one
                    removed.append((at, host, entry.parent))
        if at - self._swept_at > SWEEP:
            self._swept_at = at
            for spool in spools.values():
                _sweep(self._desk, spool, at)


def _is_loss(parts: list[str]) -> bool:
    """Does a line say that others are missing from the log."""
    return lost_lines(parts[0].rpartition(" ")[2], ": ".join(parts[1:]))


def _ignore(desk: Desk, _said: str) -> None:
    desk.ignored[desk.head.daemon] += 1


def _sweep(desk: Desk, spool: Spool, at: int) -> None:
    _accept(desk, spool, at - SWEEP)
    for pid, talk in tuple(spool.talks.items()):
        if talk.at < at - UNBORN:
            del spool.talks[pid]
    for queue_id, entry in tuple(spool.entries.items()):
        if entry.at < at - (FORGOTTEN if entry.arrived else UNBORN):
            del spool.entries[queue_id]
    for kept in (spool.requeued, spool.filtered):
        for name, number in tuple(kept.items()):
            if number not in spool.entries:
                del kept[name]


def _accept(desk: Desk, spool: Spool, before: int) -> None:
    """Where no line says that sessions end: what processes heard that have been silent since a time was accepted."""
    current, desk.spool = desk.spool, spool
    for talk in spool.talks.values():
        if talk.data and talk.at < before:
            accept(desk, talk)
    desk.spool = current
