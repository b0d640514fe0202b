"""What sources say of themselves: that they are declared, and how far their evidence is in the log.

Rules:
- How far a source is counts from its declaration to its withdrawal: a collector that was withdrawn, and still reads,
  would hold a clock again that nobody could let go. The topic keeps the last of each, in their order.
- What cannot be read is passed over: the clock writer makes a dead letter of it. Not so the terms (terms.py).
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streams.core.errors import Undecodable
from streams.core.moments import micros
from streams.kafka.names import PROGRESS
from streams.kafka.ports import Log
from streams.wire import records


def declared(source: str, *, live: bool, terms: str, text: str, at: int | None = None) -> tuple[bytes, bytes]:
    """The record that declares a source, as key and value; said at a moment in microseconds, default: now."""
    return _record(source, "declared", at, live=live, terms=terms, text=text)


def progressed(
    source: str, through: int, *, live: bool = False, at: int | None = None, skew: int | None = None
) -> tuple[bytes, bytes]:
    """The record that says: everything of this source up to `through` (microseconds) is acknowledged.

    Args:
        source: its name.
        through: microseconds.
        live: has a timekeeper.
        at: when it is said, microseconds; default: now.
        skew: microseconds by which our clock was ahead of what was read as it was written; None: not known.
    """
    return _record(source, "progressed", at, through=through, live=live, skew=skew)


def withdrawn(source: str) -> tuple[bytes, bytes]:
    """The record that takes a declaration back: the clock no longer waits for this source."""
    return _record(source, "withdrawn")


def _record(source: str, kind: str, at: int | None = None, **fields: Any) -> tuple[bytes, bytes]:
    record = {"source": source, "kind": kind, "at": time.time_ns() // 1000 if at is None else at, **fields}
    return f"{kind}/{source}".encode(), records.encode("progress", record)


def read(value: bytes | None) -> dict[str, Any]:
    """A progress record with its times in microseconds.

    Raises:
        Undecodable: it is none.
    """
    return plain(records.decode("progress", value))


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A decoded record with its times in microseconds."""
    return {name: micros(field) if isinstance(field, datetime) else field for name, field in record.items()}


def all_progress(log: Log, ends: dict[int, int] | None = None) -> Iterator[dict[str, Any]]:
    """Every progress record of a ledger, oldest first; what cannot be read is passed over.

    Args:
        log: the ledger's.
        ends: offset after the last by partition; default: the end as it is now.
    """
    for batch in log.read_range(PROGRESS, ends=ends):
        for value in batch.values:
            with suppress(Undecodable):
                yield read(value)


@dataclass(slots=True)
class Known:
    """What a ledger knows of one declared source, or of its terms.

    Attributes:
        live: it is followed.
        terms: version of the terms, as it was declared last.
        text: of the declaration, likewise.
        claimed: where the latest import of it ended, microseconds; None where none has.
        has_ended: it said how far it is since it was declared last.
    """

    live: bool = False
    terms: str = ""
    text: str = ""
    claimed: int | None = None
    has_ended: bool = False


def known(log: Log) -> dict[str, Known]:
    """What a ledger waits for: each source that is declared, and not withdrawn since; and its terms.

    Raises:
        Unavailable: the brokers do not answer.
    """
    found: dict[str, Known] = {}
    for said in all_progress(log):
        name, kind = said["source"], said["kind"]
        if kind == "withdrawn":
            found.pop(name, None)
        elif kind == "declared":
            before = found.get(name, Known())
            is_live = said["live"] or before.live
            found[name] = Known(live=is_live, terms=said["terms"], text=said["text"], claimed=before.claimed)
        elif kind == "progressed" and (one := found.get(name)):
            one.live, one.has_ended = one.live or said["live"], True
            if not said["live"]:
                one.claimed = max(one.claimed or 0, said["through"] or 0)
    return found


def live_sources(log: Log) -> set[str]:
    """The sources of a ledger that are followed, and not withdrawn since: the clock goes by what they say.

    Raises:
        Unavailable: the brokers do not answer.
    """
    return {name for name, one in known(log).items() if one.live}


def claims(log: Log) -> dict[str, int]:
    """Where the import of each source of a ledger ended, microseconds; but for what is withdrawn since.

    Raises:
        Unavailable: the brokers do not answer.
    """
    return {name: one.claimed for name, one in known(log).items() if one.claimed is not None}
