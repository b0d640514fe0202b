"""The state that a committed manifest names, put back."""

import logging
from dataclasses import replace

from streams.core.errors import Undecodable
from streams.core.terms import Terms
from streams.track import segments
from streams.track.kept import Held, Kept, there
from streams.track.part import Part

log = logging.getLogger(__name__)


def recovered(number: int, manifest: str, held: Held, terms: Terms) -> tuple[Part | None, Kept | None]:
    """A partition's state; nothing where its terms are others or something is damaged.

    Args:
        number: of the partition.
        manifest: id of the one that was committed.
        held: records of the partition's snapshots.
        terms: what is owed.
    """
    try:
        return _put_back(number, manifest, held, terms)
    except Undecodable as error:
        log.warning("partition %d: %s: from the beginning", number, error)
        return None, None


def _put_back(number: int, named: str, held: Held, terms: Terms) -> tuple[Part | None, Kept | None]:
    raw = held.get(segments.manifest_key(number, named))
    manifest = segments.manifest_of(raw) if raw else None
    if manifest is None or manifest.terms != terms.version:
        log.warning("partition %d: no state for these terms: from the beginning", number)
        return None, None
    part = Part.empty(number, terms)
    lists = segments.apply(part, there(held, number, manifest.generations), manifest.rows)
    closed = sorted((name, count) for name, count, _ in lists.closed)
    segments.apply_closed(part, there(held, number, closed))
    part.clock, part.offset = segments.clock_of(manifest.through, lists.spans), manifest.offset
    part.looked = manifest.looked
    part.reunited, part.heard = True, len(part.custody.legs)  # it may be
    # What began at the tick that was looked at last may be a silence, which only the next one names.
    told = replace(part.clock, through=part.looked - part.unlooked)
    part.alarms.recall(part.custody, told)
    kept = Kept(
        generations=list(manifest.generations),
        number=int(manifest.id.partition("-")[0]),
        manifest=manifest.id,
        heap=manifest.heap,
        learned=manifest.learned,
        offset=manifest.offset,
        queues=lists.queues,
        lists=lists,
    )
    return part, kept
