"""What a batch says, folded into what is known, on one core; beside a fold of one event after the other."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from streams.core.lattice import NEVER
from streams.kafka.ports import Records
from streams.track.part import Part
from tests.bench.codec import beside
from tests.bench.events import TERMS, Framed, batches, in_orders, journeys
from tests.bench.figure import Figure
from tests.bench.plain import Plain
from tests.bench.size import Size


def fold(size: Size) -> Iterator[Figure]:
    """Bytes to state, in both orders; the baseline over fewer messages, since it is slow."""
    many, few = (in_orders(journeys(count)) for count in (size.of(20_000, 1_000), size.of(4_000, 500)))
    for name, framed in many.items():
        _check(few[name])
        made, values = list(batches(framed)), [value for _, value in few[name]]
        yield beside(
            f"columns and fold, {name}", size, (len(framed), partial(_columns, made)),
            "a dict of objects, event by event", (len(values), partial(_plain, values)),
        )  # fmt: skip


def _columns(made: list[Records]) -> Part:
    part = Part.empty(0, TERMS)
    for batch in made:
        part.take(batch)
    return part


def _plain(values: list[bytes]) -> Plain:
    plain = Plain(TERMS)
    plain.take(values)
    return plain


def _check(framed: list[Framed]) -> None:
    """Both know the same, or it would be no baseline."""
    ours, theirs = _columns(list(batches(framed))).custody, _plain([value for _, value in framed])
    for name in ("messages", "entries", "legs", "copies", "pairs", "hosts"):
        assert len(getattr(ours, name)) == len(getattr(theirs, name)), name
    alive = np.flatnonzero(ours.units["leg"] >= 0)
    for name, mine in (("delivered", "delivered_known"), ("proved", "proved_known"), ("reported", "reported_known")):
        known = sorted(row[f"{name}_known"] for row in theirs.units.values() if f"{name}_known" in row)
        column = ours.units[mine][alive]
        assert sorted(column[column != NEVER].tolist()) == known, name
    due = sorted(row["due"][2] for row in theirs.units.values() if "due" in row)
    assert sorted(one for one in ours.units["due_at"][alive].tolist() if one != NEVER) == due
