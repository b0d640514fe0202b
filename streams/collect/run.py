"""The collector: evidence of one source into the log, at least once, from its checkpoint on.

Rules:
- Order of effects: events and evidence are written; they are acknowledged; the checkpoint is stored; the progress is
  told. Whatever dies in between is done again, and the same events have the same ids.
- `through` is a claim that everything before it is in the log. A live source claims the last second before its wall
  clock; an import claims nothing until its end.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from streams.collect import checkpoint, reading
from streams.collect.checkpoint import Checkpoint, Mark
from streams.collect.declaration import Declaration, Source
from streams.collect.evidence import chunks
from streams.collect.follow import follow
from streams.collect.kinds import kind_of
from streams.collect.parser import Parser, Piece
from streams.core.events import MessageEvent
from streams.kafka import progress
from streams.wire import records

EVERY = 2.0
"""Seconds between checkpoints."""

RAW = 8192
"""Bytes of a piece that are kept as evidence."""

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


def _nothing(_file: str, _done: int, _events: int) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Collector:
    """Reads one source.

    Attributes:
        source: what is read.
        declaration: of hosts and submission points.
        writer: where events go.
        store: file of the checkpoint.
        told: told the file, the bytes of it that were read, and how many events came of them.
        keep_raw: write the pieces as evidence.
    """

    source: Source
    declaration: Declaration
    writer: Writer
    store: Path
    told: Callable[[str, int, int], None] = _nothing
    keep_raw: bool = True
    through: int = 0
    parser: Parser = field(init=False)
    _at: Checkpoint = field(default_factory=Checkpoint)
    _saved: float = 0.0

    def __post_init__(self) -> None:
        """Take up the checkpoint."""
        self.parser = kind_of(self.source).make(self.source, self.declaration)
        found = checkpoint.load(self.store)
        if found:
            self._at, self.through = found, found.through
            self.parser.restore(found.state)

    def read(self) -> None:
        """Read every file of the source to its end."""
        for path in (file for declared in self.source.paths for file in reading.files(declared)):
            known = checkpoint.mark(Path(path)) if path != "-" else None
            if known is not None and known in self._at.done:
                continue
            start = self._at.offset if known is not None and self._at.mark == known else 0
            for pieces in self._pieces(path, start):
                self._take(pieces, path)
                self._at = self._place(path, known, pieces[-1].offset + 1 if pieces else start)
                self._save(force=False)
            done = (*self._at.done, *((known,) if known else ()))
            self._at = Checkpoint(done=done, state=self.parser.state(), through=self.through)
        self.writer.write(list(self.parser.close()))
        self._save(force=True)

    def _pieces(self, path: str, start: int) -> Iterator[list[Piece]]:
        """Chunks from an offset on; a line that was read is passed over."""
        for pieces in chunks(self.source, path, self.parser.counts, lambda done: self.told(path, done, 0)):
            fresh = [piece for piece in pieces if piece.offset >= start] if start else pieces
            if fresh:
                yield fresh

    def follow(self, stopped: Callable[[], bool]) -> None:
        """Read the one file of the source as it is written, until stopped."""
        path = Path(self.source.paths[0])
        for file, offset, pieces in follow(path, self.parser.counts, (self._at.mark, self._at.offset), stopped):
            self._take(pieces, str(path))
            known = checkpoint.mark(file, min(offset, checkpoint.HEAD)) if offset else None
            self._at = self._place(str(path), known, offset)
            self._save(force=False, claim=time.time_ns() // 1000)
        self._save(force=True)

    def finish(self, through: int) -> None:
        """Claim that everything up to `through` is in the log: an import at its end."""
        self._claim(through)
        self.writer.flush()

    def _take(self, pieces: list[Piece], path: str) -> None:
        if not pieces:
            return
        now = time.time_ns() // 1000
        events = list(self.parser.parse(pieces, file=path, observed_at=now))
        self.through = max([self.through, *(event.occurred_at for event in events)])
        self.writer.write(events, self._evidence(pieces, events) if self.keep_raw else None)
        self.told(path, 0, len(events))

    def _evidence(self, pieces: list[Piece], events: list[MessageEvent]) -> dict[bytes, bytes]:
        raw = {piece.offset: piece.raw[:RAW] for piece in pieces}
        return {
            event.event_id: records.encode(
                "evidence",
                {
                    "event_id": event.event_id,
                    "message_key": event.message_key,
                    "source": event.source,
                    "file": event.file or "",
                    "offset": event.offset or 0,
                    "raw": raw.get(event.offset or 0, b""),
                },
            )
            for event in events
        }

    def _place(self, file: str, known: Mark | None, offset: int) -> Checkpoint:
        return Checkpoint(done=self._at.done, file=file, mark=known, offset=offset, through=self.through)

    def _save(self, *, force: bool, claim: int | None = None) -> None:
        """Acknowledge, then store, then tell; not more often than it is worth."""
        now = time.monotonic()
        if not force and now - self._saved < EVERY / (2 if claim else 1):
            return
        self._saved = now
        self.writer.flush()
        checkpoint.save(self.store, _with_state(self._at, self.parser.state()))
        if claim is not None:
            self._claim(claim // SECOND * SECOND - SECOND)
            self.writer.flush()

    def _claim(self, through: int) -> None:
        key, value = progress.progressed(self.source.name, through, live=self.source.live)
        self.writer.record("progress", key, value)


def _with_state(at: Checkpoint, state: bytes) -> Checkpoint:
    return Checkpoint(done=at.done, file=at.file, mark=at.mark, offset=at.offset, through=at.through, state=state)
