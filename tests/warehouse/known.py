"""What the stream knows of units and legs, as rows of the views `custody` and `legs` of the same log.

Rules:
- A row says only what the stream knows; of the view's row just that is compared, and that exactly.
- Only SQL keeps the words (host, queue id, recipient, originator, Message-ID: a hash says the same), priority, size,
  class of traffic and what was requested, beside what they fix; attempts and their results; the action of a report,
  statuses, a report of delay, a hand-over beyond sight; proof and its term, outcome, members, peer, last holder; the
  earliest `submitted_at` (the stream counts from the submission known first, as the terms do: `counted_from`); and when
  a leg was named that no queue is known to have had (its `met_known`).
- From when to when notifications told that were undelivered (`untold`) says what `alarms` do, which are compared whole.
- Only the stream keeps whom each chain is credited by, when any report came, and which party was tried last.
- Of evidence that is connected to nothing the stream keeps when it was known, which says whom it counts for. When it
  happened is compared too, but where a second submission is known: what was known before that counts, what was known
  after it does not, and the stream has one time for both.
- A message that has closed is known no more to the stream, and must not be compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.core import findings, notices, tables
from streams.core.credit import Claim, unit_of
from streams.core.custody import Custody
from streams.core.effective import Effective
from streams.core.facts import Times
from streams.core.index import Rows
from streams.core.lattice import NEVER
from streams.core.leaving import left
from streams.core.terms import SECOND
from streams.core.unaccounted import known_of
from streams.track.part import Part

Row = dict[str, Any]
"""By column of the view; times in microseconds, None where the stream knows that there is none."""

NO_UNIT = bytes(16)
"""What a leg that belongs to no unit says."""

HAPPENED = {
    "report_at": "proved_at",
    "delivered_at": "delivered_at",
    "refused_at": "refused_at",
    "told_at": "told_at",
    "discarded_at": "discarded_at",
    "read_at": "read_at",
}
"""Columns of `custody` that say when something happened, and those of UNITS that do."""

OF_STAYS = {"refused": "refused_at", "told": "told_at", "deleted": "deleted_at"}
"""What befalls a whole entry befalls the units whose legs it has: by column of ENTRIES, that of `custody`."""


def units(parts: Iterable[Part]) -> dict[bytes, Row]:
    """What is known of each unit, by the leg that names it."""
    return dict(one for part in parts for one in _Known.of(part).units())


def legs(parts: Iterable[Part]) -> dict[bytes, Row]:
    """What is known of each leg in a queue."""
    return dict(one for part in parts for one in _Known.of(part).legs())


@dataclass(frozen=True, slots=True)
class _Known:
    """One partition's state as rows.

    Attributes:
        custody: what is known.
        effective: with what is credited.
        names: the hash of each leg.
        chain: the least leg of the chain of each leg.
    """

    custody: Custody
    effective: Effective
    names: list[bytes]
    chain: list[bytes]

    @classmethod
    def of(cls, part: Part) -> "_Known":
        """Read a partition of which nothing has closed."""
        custody = part.custody
        assert not len(custody.closed)
        names = _names(custody.legs.index.keys[: len(custody.legs)])
        roots = custody.chains.root(np.arange(len(names))).tolist() if names else []
        least: dict[int, bytes] = {}
        for root, name in zip(roots, names, strict=True):
            least[root] = min(name, least.get(root, name))
        return cls(custody, Effective.of(custody), names, [least[root] for root in roots])

    # Units

    def units(self) -> Iterator[tuple[bytes, Row]]:
        known, table = self.effective, self.custody.units
        columns = {
            "counted_from": table.take("due_from", known.unit),
            "submitted_known": known["submitted_known"],
            "report_due": known["due_at"],
            "report_known": known["proved_known"],
            "unanswered_known": np.where(known["due_at"] == NEVER, NEVER, known["unanswered_known"]),
            "answered_known": known["answered_known"],
            "delivered_known": known["delivered_known"],
            **{f"{name}_known": self._known(name) for name in OF_STAYS},
            "diverted_known": findings._diverted(self.custody, known),
            "redirected_known": findings._redirected(self.custody, known),
            **self._happened(),
        }
        unsure = self._unsure()
        message = self.custody.legs["message"][known.legs(slice(None))].astype(np.int64)
        shown = (known["shown_known"] <= known["unanswered_known"]) & (known["shown_known"] != NEVER)
        first = self.custody.messages["first_entry"][message] == table.take("due_leg", known.unit)
        for place, name in enumerate(self._unit_names()):
            row: Row = {column: _time(values[place]) for column, values in columns.items()}
            row |= {"chain": self.chain[table["leg"][known.unit[place]]], "was_proven": bool(shown[place])}
            row |= {"message_key": self.custody.message_key(int(message[place])), "first_of_key": bool(first[place])}
            yield name, {column: value for column, value in row.items() if (place, column) not in unsure}

    def _unit_names(self) -> list[bytes]:
        table, unit = self.custody.units, self.effective.unit
        return _names(np.column_stack([table.take(name, unit) for name in ("due_leg", "due_recipient")]))

    def _known(self, name: str) -> Times:
        """When it could be known that units, or entries that they lay in, were refused, told or deleted."""
        custody, known = self.custody, self.effective
        if name == "told":
            return self._told_known()
        of_stays = findings._of_open_legs(custody, known, f"{name}_known")
        return np.minimum(known["refused_known"], of_stays) if name == "refused" else of_stays

    def _happened(self) -> dict[str, Times]:
        """When something happened to each unit, in its chain, in what is credited to it, or to its entries."""
        known, table = self.effective, self.custody.units
        found = {name: table.take(column, known.unit) for name, column in HAPPENED.items()}
        orphans, owners, _ = self._orphans()
        copies = self.custody.copies
        readers, opened = known.places(copies["leg"].astype(np.int64)), copies["read_at"]
        np.minimum.at(found["read_at"], readers[readers >= 0], opened[readers >= 0])
        for orphan, owner in zip(orphans.tolist(), owners.tolist(), strict=True):
            for name, column in HAPPENED.items():
                found[name][owner] = min(found[name][owner], self._of_orphan(orphan, column))
        for name, column in OF_STAYS.items():
            of_stays = self._of_stays(name)
            found[column] = np.minimum(found[column], of_stays) if column in found else of_stays
        return found

    def _of_orphan(self, orphan: int, column: str) -> int:
        """When something happened to a chain without a submission."""
        custody = self.custody
        own = int(custody.units.take(column, np.array([orphan]))[0])
        if column != "read_at":
            return own
        copies = custody.copies
        mine = unit_of(custody, copies["leg"].astype(np.int64)) == orphan
        return min(own, int(copies["read_at"][mine].min(initial=NEVER)))

    def _of_stays(self, name: str) -> Times:
        """When entries in which units lay were refused, reported about or deleted, as the findings count it."""
        custody, known = self.custody, self.effective
        if name == "told":
            return self._told_at()
        entries, queued = custody.entries, custody.stays()
        entry = custody.legs["entry"][queued].astype(np.int64)
        when = entries.take(f"{name}_known", entry)
        some = (when != NEVER) & (left(custody, queued) >= when)
        rows, at = queued[some], np.maximum(when[some], custody.legs["met_known"][queued[some]])
        owners, numbers, _ = known.owned(rows, at)
        found = np.full(len(known.unit), NEVER, np.int64)
        np.minimum.at(found, owners, entries.take(f"{name}_at", entry[some][numbers]))
        return found

    def _told_known(self) -> Times:
        """Since when a report, or a notification that stands, tells of each unit."""
        spans, first = notices.told(self.custody, self.effective), self.effective["told_known"].copy()
        stands = spans.until == NEVER
        np.minimum.at(first, spans.owner[stands], spans.since[stands])
        return first

    def _told_at(self) -> Times:
        """When the first notification that stands was issued, of those that count for each unit."""
        custody, known = self.custody, self.effective
        stand = (custody.notices["issued_known"] != NEVER) & (custody.notices["lost_known"] == NEVER)
        legs, numbers = notices._about(custody, np.flatnonzero(stand))
        at = np.maximum(custody.notices["issued_known"][numbers], custody.legs["met_known"][legs])
        owners, which, _ = known.owned(legs, at)
        found = np.full(len(known.unit), NEVER, np.int64)
        np.minimum.at(found, owners, custody.notices["issued_at"][numbers[which]])
        return found

    def _orphans(self) -> tuple[Rows, Rows, Times]:
        """Chains without a submission that are credited: their rows, the places of whose they are, and until when."""
        table, known = self.custody.units, self.effective
        orphans = np.flatnonzero((table["leg"] >= 0) & (table["submitted_known"] == NEVER))
        claim = Claim.of(self.custody, orphans, known._place, known["submitted_known"])
        some = (claim.owner >= 0) & (claim.since < claim.until)
        return orphans[some], claim.owner[some], claim.until[some]

    def _unsure(self) -> set[tuple[int, str]]:
        """Places and columns of units of which the stream cannot say when what is credited to them happened."""
        return {
            (owner, name)
            for orphan, owner, until in zip(*(some.tolist() for some in self._orphans()), strict=True)
            for name, column in HAPPENED.items()
            if until != NEVER and self._of_orphan(orphan, column) != NEVER
        }

    # Legs

    def legs(self) -> Iterator[tuple[bytes, Row]]:
        custody = self.custody
        legs, entries = custody.legs, custody.entries
        rows = np.flatnonzero(legs["entry"] >= 0)
        entry, met = legs["entry"][rows].astype(np.int64), legs["met_known"][rows]
        handed = legs.take("handed_known", rows)
        deleted = (entries.take("deleted_known", entry) <= left(custody, rows)) & (
            entries.take("deleted_known", entry) != NEVER
        )
        columns = {
            "met_known": met,
            "arrived_at": np.where(met == NEVER, NEVER, entries["arrived_at"][entry]),
            "arrived_known": np.where(met == NEVER, NEVER, entries.take("arrived_known", entry)),
            **{
                f"left_{when}": np.minimum(left(custody, rows, when), entries.take(f"left_{when}", entry))
                for when in ("at", "known")
            },
            **{name: _latest(entries.take(name, entry)) for name in ("held_at", "released_at")},
            **{name: np.where(deleted, entries.take(name, entry), NEVER) for name in ("deleted_at", "deleted_known")},
            "stuck_due": self._stuck_due(rows),
            "handed_known": handed,
            "next_arrived_known": known_of(entries, "arrived_known", legs.take("next_entry", rows)),
        }
        hops, unit = legs.take("handed_to", rows), self._owners(rows)
        for place, row in enumerate(rows.tolist()):
            said: Row = {column: _time(values[place]) for column, values in columns.items()}
            said |= {"chain": self.chain[row], "unit": unit[place]}
            said["handed_to"] = "" if handed[place] == NEVER else custody.names.text(hops[place])
            if met[place] == NEVER:
                del said["met_known"]
            yield self.names[row], said

    def _owners(self, rows: Rows) -> list[bytes]:
        """The units that some legs belong to."""
        owner = {int(unit): name for unit, name in zip(self.effective.unit, self._unit_names(), strict=True)}
        orphans, places, _ = self._orphans()
        owner |= {
            int(orphan): self._unit_names()[place] for orphan, place in zip(orphans, places.tolist(), strict=True)
        }
        return [owner.get(int(unit), NO_UNIT) for unit in unit_of(self.custody, rows)]

    def _stuck_due(self, rows: Rows) -> Times:
        """By when some legs had to leave; NEVER where that is found of the entry, of which no recipient was known."""
        legs, entries = self.custody.legs, self.custody.entries
        after = entries["stuck_after"].astype(np.int64)
        due = np.where(after != tables.MOST, entries["stay_from"] + after * SECOND, NEVER)
        peopled = np.full(len(entries), NEVER, np.int64)
        stays = self.custody.stays()
        np.minimum.at(peopled, legs["entry"][stays].astype(np.int64), legs["met_known"][stays])
        by = np.maximum(due, entries.take("arrived_known", np.arange(len(entries))))
        mine = (peopled <= by) & (due != NEVER)
        entry = legs["entry"][rows].astype(np.int64)
        return np.where(mine[entry] & (legs["met_known"][rows] != NEVER), due[entry], NEVER)


def _names(keys: NDArray[np.uint64]) -> list[bytes]:
    """Hashes of 16 bytes, as events bear them."""
    return [key.tobytes() for key in keys]


def _latest(times: Times) -> Times:
    """A column of latest times, with NEVER where there was none."""
    return np.where(times == np.iinfo(np.int64).min, NEVER, times)


def _time(value: Any) -> int | None:
    return None if value == NEVER else int(value)
