"""State to segments and back: only what changed, as columns, each under the broker's message limit.

Rules:
- A segment holds rows of one table under their numbers, or a piece of the names, or chains that lost their name, or
  what was told of a rule, or what lists got and lost. Applied in order, segments give the state; the last word on a
  row wins.
- Whatever may grow without bound is cut into segments. A manifest is one record, so that it holds nothing of the kind.
- A generation's name is its number and a word of its writer's own, so that a frozen worker that wakes up overwrites
  nothing.
- A record is sealed with a hash of its bytes: what was damaged, or is of another version, is refused and not put back.
- A manifest names the generations that count, the offset up to which they speak, and the clock. It is written after
  they are acknowledged, and the offset is committed with its id: recovery believes nothing else.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from itertools import chain
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streams.core import arrow
from streams.core.clock import BEGINNING, Clock
from streams.core.closed import Hashes
from streams.core.errors import Undecodable
from streams.core.index import Rows
from streams.core.lattice import Join, Table
from streams.track.part import Part

SEAL = 16
"""Bytes of the hash in front of a record."""

_VERSION = b"snapshot-9"
"""Of the format: another seals otherwise."""

ROWS = 8192
"""Rows of a segment: 2 MB as they are, a quarter of it packed; fewer where they do not pack so well."""

NARROW = ROWS * 4
"""The same of what has one number or two in a row."""

AHEAD = 16
"""Segments that are unpacked before they are needed."""

LARGE = 700_000
"""Bytes of names, of lists, or of packed rows in a segment."""

ANEW = "anew"
"""Stands for the id of a manifest where the log is read from the beginning and nothing is kept yet; no id is so."""

LOST = "anew-lost"
"""The same where the log had lost its tail: what only that knew stands, whoever reads it to its end."""

Piece = tuple[str, dict[str, Any], bytes]
"""What a segment says: of what, its columns by name, and bytes that are no column."""


class Work(Protocol):
    """Has each piece packed, in order: here, or by another thread."""

    def __call__(self, pack: Callable[[Piece], list[bytes]], pieces: Iterable[Piece], /) -> Iterator[list[bytes]]:
        """What each became."""
        ...


TABLES = ("messages", "entries", "legs", "copies", "units", "pairs", "notices", "hosts")


class Manifest(msgspec.Struct, frozen=True):
    """What a partition's state is made of.

    Attributes:
        id: name of its generation; it stands in the offset's metadata.
        partition: whose.
        offset: of the next record.
        generations: number of segments of each generation that counts, oldest first.
        through: of the clock.
        terms: version of the terms that fixed the due times.
        heap: bytes of names.
        learned: number of interned texts.
        rows: how many rows each of TABLES has.
        looked: the clock up to which what is found was told; what came after it waited for a backlog.
    """

    id: str
    partition: int
    offset: int
    generations: tuple[tuple[str, int], ...]
    through: int
    terms: str
    heap: int
    learned: int
    rows: tuple[int, ...] = ()
    looked: int = BEGINNING


class Lists(msgspec.Struct, frozen=True):
    """What has no rows, and is kept however long it grows.

    Attributes:
        spans: of the clock: rule, source, since and until of each.
        queues: host and next hop of every queue that may have been told.
        closed: of each time that messages closed: a name, its number of segments, and the clock.
    """

    spans: set[tuple[str, str, int, int]] = msgspec.field(default_factory=set)
    queues: set[tuple[str, str]] = msgspec.field(default_factory=set)
    closed: set[tuple[str, int, int]] = msgspec.field(default_factory=set)

    def change(self, word: str, by: "Lists") -> None:
        """What is `listed` comes, what is `unlisted` goes."""
        change = set.update if word == "listed" else set.difference_update
        for name in self.__struct_fields__:
            change(getattr(self, name), getattr(by, name))


def segment_key(partition: int, generation: str, number: int) -> bytes:
    """The key of a segment's record."""
    return f"segment/{partition}/{generation}/{number}".encode()


def manifest_key(partition: int, generation: str) -> bytes:
    """The key of a manifest's record."""
    return f"manifest/{partition}/{generation}".encode()


def closed(at: int, hashes: Hashes, work: Work = map) -> Iterator[bytes]:
    """Segments of what closed at a clock."""
    return chain.from_iterable(work(_packed, _closed(at, hashes)))


def changed(part: Part, heap: int, learned: int, work: Work = map) -> Iterator[bytes]:
    """Segments of what changed since the last call, after `heap` bytes of names and `learned` texts were kept."""
    return chain.from_iterable(work(_packed, _changed(part, heap, learned)))


def whole(part: Part, work: Work = map) -> Iterator[bytes]:
    """Segments of everything; what was touched counts as kept."""
    return chain.from_iterable(work(_packed, _whole(part)))


def listed(now: Lists, before: Lists, work: Work = map) -> Iterator[bytes]:
    """Segments of what lists have that they had not, and of what they have no more."""
    return chain.from_iterable(work(_packed, _listed(now, before)))


def _closed(at: int, hashes: Hashes) -> Iterator[Piece]:
    for start in range(0, len(hashes), NARROW):
        yield "closed", {"hash": hashes[start : start + NARROW]}, msgspec.msgpack.encode(at)


def _changed(part: Part, heap: int, learned: int) -> Iterator[Piece]:
    custody = part.custody
    for name in TABLES:
        table: Table = getattr(custody, name)
        yield from _rows(name, table, table.take_touched())
    lost, above = custody.chains.take_lost()
    for start in range(0, len(lost), NARROW):
        some = slice(start, start + NARROW)
        yield "chains", {"lost": lost[some], "above": above[some]}, b""
    tail = custody.names.tail(heap)
    for start in range(0, len(tail), LARGE):
        yield "heap", {}, tail[start : start + LARGE]
    yield from _cut("texts", custody.names.learned()[learned:])
    yield from _told(part.alarms.take_fresh())


def _whole(part: Part) -> Iterator[Piece]:
    custody = part.custody
    for name in TABLES:
        table: Table = getattr(custody, name)
        table.take_touched()
        yield from _rows(name, table, np.arange(len(table)))
    custody.chains.take_lost()
    roots = custody.chains.root(np.arange(len(custody.legs)))
    lost = np.flatnonzero(roots != np.arange(len(roots)))
    for start in range(0, len(lost), NARROW):
        some = lost[start : start + NARROW]
        yield "chains", {"lost": some, "above": roots[some]}, b""
    tail = custody.names.tail(0)
    for start in range(0, len(tail), LARGE):
        yield "heap", {}, tail[start : start + LARGE]
    yield from _cut("texts", custody.names.learned())
    yield from _told(part.alarms.all_told())


def _listed(now: Lists, before: Lists) -> Iterator[Piece]:
    for name in Lists.__struct_fields__:
        has, had = getattr(now, name), getattr(before, name)
        yield from _cut("listed", sorted(has - had), name)
        yield from _cut("unlisted", sorted(had - has), name)


def _cut(name: str, values: Sequence[Any], of: str = "") -> Iterator[Piece]:
    """Values, those of one list if it is named, in as many pieces as they need."""
    raw = msgspec.msgpack.encode({of: values} if of else values)
    half = len(values) // 2
    if len(raw) > LARGE and half:
        yield from _cut(name, values[:half], of)
        yield from _cut(name, values[half:], of)
    elif values:
        yield name, {}, raw


def rows_of(part: Part) -> tuple[int, ...]:
    """How many rows each of TABLES has."""
    return tuple(len(getattr(part.custody, name)) for name in TABLES)


def apply(part: Part, segments: Sequence[bytes], counts: Sequence[int] = ()) -> Lists:
    """Put segments back, in order; returns the lists.

    Args:
        part: an empty one.
        segments: all that its manifest names.
        counts: how many rows each of TABLES will have, where that is known.

    Raises:
        Undecodable: one is damaged, or of another version.
    """
    custody, lists = part.custody, Lists()
    _reserve(part, counts)
    lost: list[tuple[Rows, Rows]] = []
    for name, columns, blob in _all_unpacked(segments):
        match name:
            case "heap":
                custody.names.extend(blob)
            case "texts":
                custody.names.intern(msgspec.msgpack.decode(blob, type=list[str]))
            case "chains":
                lost.append((columns["lost"], columns["above"]))
            case "listed" | "unlisted":
                lists.change(name, msgspec.msgpack.decode(blob, type=Lists))
            case "told":
                key = msgspec.msgpack.decode(blob, type=tuple[str, str])
                part.alarms.restore(key, columns["row"], columns["state"])
            case _:
                rows, keys = columns.pop("row"), [columns.pop(k) for k in ("key0", "key1") if k in columns]
                getattr(custody, name).restore(rows, keys, columns)
    custody.find_again()
    custody.chains.extend(len(custody.legs))
    for rows, above in lost:
        custody.chains.restore(len(custody.legs), rows, above)
    return lists


def apply_closed(part: Part, segments: Iterable[bytes]) -> None:
    """Put back what closed, from all segments that the list names, in any order.

    Raises:
        Undecodable: one is damaged, or of another version.
    """
    for _, columns, blob in _all_unpacked(segments):
        part.custody.closed.restore(msgspec.msgpack.decode(blob, type=int), columns["hash"])


def _reserve(part: Part, counts: Sequence[int]) -> None:
    for table, count in zip(TABLES, counts, strict=False):
        getattr(part.custody, table).reserve(count)


def manifest_bytes(manifest: Manifest) -> bytes:
    """A manifest as its record has it."""
    return _sealed(msgspec.msgpack.encode(manifest))


def manifest_of(raw: bytes) -> Manifest:
    """The manifest of a record.

    Raises:
        Undecodable: it is damaged, or of another version.
    """
    return msgspec.msgpack.decode(_unsealed(raw), type=Manifest)


def _sealed(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=SEAL, person=_VERSION).digest() + raw


def _unsealed(raw: bytes) -> memoryview:
    sealed = memoryview(raw)
    if blake2b(sealed[SEAL:], digest_size=SEAL, person=_VERSION).digest() != sealed[:SEAL]:
        raise Undecodable("a snapshot that is damaged, or of another version")
    return sealed[SEAL:]


def clock_of(through: int, spans: set[tuple[str, str, int, int]]) -> Clock:
    """The clock that was kept."""
    clock = Clock(through=through)
    for rule, source, since, until in sorted(spans):
        clock.spans.setdefault((rule, source), []).append([since, until])
    return clock


def spans_of(clock: Clock) -> set[tuple[str, str, int, int]]:
    """The spans of a clock, as a list keeps them."""
    return {(rule, source, since, until) for (rule, source), spans in clock.spans.items() for since, until in spans}


def _rows(name: str, table: Table, rows: Rows) -> Iterator[Piece]:
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        keys = table.index.keys[some]
        columns = {"row": some} | {f"key{n}": keys[:, n] for n in range(table.index.width)}
        yield name, columns | _values(table, some), b""


def _values(table: Table, rows: Rows) -> dict[str, Any]:
    """The columns of some rows; what only grows and is empty in all of them need not be said."""
    values = {column: table.take(column, rows) for column in table.columns}
    return {
        name: value
        for name, value in values.items()
        if table.columns[name].join in {Join.FIRST, Join.PLAIN} or (value != table.columns[name].empty).any()
    }


def _told(told: Iterable[tuple[tuple[str, str], Rows, NDArray[np.uint8]]]) -> Iterator[Piece]:
    for key, rows, states in told:
        for start in range(0, len(rows), NARROW):
            some = slice(start, start + NARROW)
            yield "told", {"row": rows[some], "state": states[some]}, msgspec.msgpack.encode(key)


def _packed(piece: Piece) -> list[bytes]:
    """A piece as a segment, or as several where one would be too large."""
    name, columns, blob = piece
    raw = _record(name, columns, blob)
    half = max(map(len, columns.values()), default=0) // 2
    if len(raw) <= LARGE or not half:
        return [raw]
    halves = (slice(half), slice(half, None))
    return [one for some in halves for one in _packed((name, {k: v[some] for k, v in columns.items()}, blob))]


def _record(name: str, columns: dict[str, Any], blob: bytes) -> bytes:
    arrays = [arrow.column(values) for values in columns.values()]
    fields = [(column, array.type) for column, array in zip(columns, arrays, strict=True)]
    schema = pa.schema(fields, metadata={"table": name, "blob": blob})
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "lz4") as packing, pa.ipc.new_stream(packing, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return _sealed(out.getvalue().to_pybytes())


def _all_unpacked(segments: Iterable[bytes]) -> Iterator[Piece]:
    """All of them, in order; the next are unpacked while one is put back."""
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Piece]] = deque()
        for raw in segments:
            waiting.append(pool.submit(_unpacked, raw))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        for one in waiting:
            yield one.result()


def _unpacked(raw: bytes) -> Piece:
    with pa.CompressedInputStream(pa.BufferReader(_unsealed(raw)), "lz4") as packed:
        batch = pa.ipc.open_stream(packed).read_next_batch()
    metadata = batch.schema.metadata
    columns = {name: arrow.numbers(batch.column(name)) for name in batch.schema.names}
    return metadata[b"table"].decode(), columns, metadata[b"blob"]
