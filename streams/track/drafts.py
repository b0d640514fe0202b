"""Snapshots that are written: they count once the group has stored their manifest's id, and not before.

Rules:
- First the segments, then the manifest, then the commit; what was committed before is removed only after it.
- What is found there when a partition comes, and is not named by the first manifest that is committed after it, was
  written by somebody who died, or whose commit failed: nobody can commit it any more, and it is removed.
- That is so although a frozen worker wakes up: where ours was committed its word no longer counts, and whoever comes
  later takes up what ours names. What it writes after we looked is found by the next life.
"""

import secrets
from dataclasses import dataclass

from streams.core.terms import Terms
from streams.kafka.names import SNAPSHOTS
from streams.kafka.ports import Committed, RecordWriter
from streams.track import segments
from streams.track.kept import Kept, keys
from streams.track.part import Part
from streams.track.segments import Lists, Manifest, Work


@dataclass(frozen=True, slots=True)
class Draft:
    """A generation that counts once its manifest is committed.

    Attributes:
        part: whose.
        kept: what of it is in the snapshots topic.
        manifest: what will count.
        replaced: id of the manifest before.
        removed: generations that count no more after it, with their numbers of segments.
    """

    part: Part
    kept: Kept
    manifest: Manifest
    replaced: str
    removed: list[tuple[str, int]]

    @property
    def place(self) -> Committed:
        """What the group stores for the partition."""
        return Committed(offset=self.manifest.offset, metadata=self.manifest.id)

    def take_unnamed(self) -> list[bytes]:
        """Keys that were found when its state was taken up and that it does not name; only the first draft has any."""
        found, self.kept.found = self.kept.found, set()
        if not found:
            return []
        number, closed = self.manifest.partition, [(name, count) for name, count, _ in self.kept.lists.closed]
        named = keys(number, (*self.manifest.generations, *closed))
        return sorted(found.difference(named, (segments.manifest_key(number, self.manifest.id),)))


class Drafts:
    """Writes drafts, and tombstones for what they replace."""

    def __init__(self, writer: RecordWriter, terms: Terms, work: Work) -> None:
        """Nothing is written yet.

        Args:
            writer: of the ledger's records.
            terms: that fixed the due times.
            work: packs segments, maybe several at once.
        """
        self._writer, self._terms, self._work = writer, terms, work
        self._word = secrets.token_hex(4)  # no two lives name a generation alike

    def write(self, part: Part, kept: Kept, told: set[tuple[str, str]]) -> Draft:
        """Write a generation of a partition; `told` are queues of which something was or will be said."""
        old, before = list(kept.generations), kept.manifest
        kept.number += 1
        generation = f"{kept.number:08d}-{self._word}"
        anew = kept.is_due_anew(part)
        closed = self._closed(part, kept, f"closed-{generation}")
        lists = Lists(spans=segments.spans_of(part.clock), queues=told, closed=closed)
        old_closed = [(name, count) for name, count, _ in sorted(kept.lists.closed - closed)]
        work = self._work
        made = list(segments.whole(part, work) if anew else segments.changed(part, kept.heap, kept.learned, work))
        made += segments.listed(lists, Lists() if anew else kept.lists, work)
        # One of nothing is not named: on a quiet night the manifest would grow with every tick.
        kept.generations = [*([] if anew else old), *([(generation, len(made))] if made else [])]
        for number, raw in enumerate(made):
            self._put(segments.segment_key(part.partition, generation, number), raw)
        kept.heap, kept.learned, kept.lists = len(part.custody.names), len(part.custody.names.learned()), lists
        manifest = self._manifest(part, kept, generation)
        return Draft(part, kept, manifest, before, [*(old if anew else []), *old_closed])

    def name(self, draft: Draft) -> None:
        """Write its manifest, once its segments are acknowledged."""
        manifest = draft.manifest
        self._put(segments.manifest_key(manifest.partition, manifest.id), segments.manifest_bytes(manifest))

    def count(self, draft: Draft) -> None:
        """It is committed: what it replaces is removed, and what nobody can commit any more."""
        number = draft.part.partition
        if draft.replaced:
            self._put(segments.manifest_key(number, draft.replaced), None)
        for key in (*keys(number, draft.removed), *draft.take_unnamed()):
            self._put(key, None)
        draft.kept.offset, draft.kept.manifest = draft.manifest.offset, draft.manifest.id
        draft.part.renumbered = False

    def _closed(self, part: Part, kept: Kept, name: str) -> set[tuple[str, int, int]]:
        """Write what closed, once; it counts until it is old enough to be forgotten: names what counts now."""
        fresh = set[tuple[str, int, int]]()
        for number, (at, hashes) in enumerate(part.custody.closed.take_fresh()):
            made = list(segments.closed(at, hashes, self._work))
            fresh.add((f"{name}-{number}", len(made), at))
            for n, raw in enumerate(made):
                self._put(segments.segment_key(part.partition, f"{name}-{number}", n), raw)
        least = part.clock.through - 2 * part.custody.closed.remember
        return {one for one in kept.lists.closed | fresh if one[2] >= least}

    def _manifest(self, part: Part, kept: Kept, generation: str) -> Manifest:
        return Manifest(
            id=generation,
            partition=part.partition,
            offset=part.offset,
            generations=tuple(kept.generations),
            through=part.clock.through,
            terms=self._terms.version,
            heap=kept.heap,
            learned=kept.learned,
            rows=segments.rows_of(part),
            looked=part.looked,
        )

    def _put(self, key: bytes, value: bytes | None) -> None:
        self._writer.write(SNAPSHOTS, key, value)
