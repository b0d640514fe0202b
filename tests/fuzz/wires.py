"""Records as targets: framing, Avro, columns, what agents read of topics, and the tracker's own snapshots."""

from typing import Any

from streams.collect.declaration import Source
from streams.collect.kinds import KINDS
from streams.core.clock import Tick
from streams.core.errors import Undecodable
from streams.core.terms import Terms
from streams.kafka import progress
from streams.kafka.registry import Frames
from streams.respond import cases
from streams.track import segments
from streams.track.part import Part
from streams.track.timekeeper import Timekeeper
from streams.wire import columns, envelope, records
from streams.wire.schemas import ids
from tests.core.journeys import TERMS
from tests.fuzz import seeds
from tests.fuzz.logs import DECLARED, NOW, pieces_of
from tests.fuzz.target import Target
from tests.track.logs import empty
from tests.track.logs import records as consecutive

WANTED = ("event_id", "kind", "occurred_at", "message_key", "host", "attributes", "size")
BATCH = 5_000
"""Records of a batch at most."""

LOW = ("alert", "case", "command", "dead-letter", "evidence", "progress", "queue-state", "rejection")


def _values(data: bytes) -> list[bytes]:
    """Bytes as records: each begins with its length in two bytes."""
    found, at = [], 0
    while at + 2 <= len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def joined(values: list[bytes]) -> bytes:
    """Records as one input."""
    return b"".join(len(value).to_bytes(2, "big") + value for value in values)


def _event(data: bytes) -> None:
    """One record: an event, or a reason; what is an event is written and read again as the same."""
    try:
        event = envelope.decode(data)
    except Undecodable:
        return
    assert envelope.decode(envelope.encode(event)) == event


def _batch(data: bytes) -> None:
    """A batch as columns: what is good and what is bad is the same as record by record."""
    values = _values(data)[:BATCH]
    good, keys = {}, []
    for number, value in enumerate(values):
        try:
            good[number] = envelope.decode(value)
            keys.append(good[number].message_key.encode())
        except Undecodable:
            keys.append(b"")
    batch = columns.read(values, keys, WANTED)
    assert batch.positions.tolist() == sorted(good)
    assert {number for number, _ in batch.bad} == set(range(len(values))) - set(good)
    assert batch.frame["event_id"].to_list() == [good[number].event_id for number in sorted(good)]


def _record(data: bytes) -> None:
    """Records of the low-rate topics, and what agents make of them."""
    for name in LOW:
        try:
            record = progress.plain(records.decode(name, data))
        except Undecodable:
            continue
        if name == "alert":
            member = cases.filed(cases.Member(), record)
            case = cases.take(None, cases.filed(member, record | {"state": "raised"}), record)
            records.decode("case", records.encode("case", cases.record(case)))
        if name == "progress":
            keeper = Timekeeper()
            keeper.hear(record, NOW)
            tick = keeper.tick(NOW)
            assert tick is None or Tick.read(tick.through, tick.attributes()) == tick


def _frames(data: bytes) -> None:
    """A frame of a registry comes in and goes out as it was."""
    ours, theirs = b"\0\0\0\0\1", b"\0\0\0\1\7"
    frames = Frames({ours: theirs}, {theirs: ours})
    inward = frames.inward(data)
    if len(data) < 2 or not data[1] & 0x80:
        assert frames.outward(inward) == data


def _segments(data: bytes) -> None:
    """A snapshot is put back or refused."""
    try:
        segments.apply(Part.empty(0, Terms.parse(TERMS)), _values(data))
    except Undecodable:
        return


def _of_events() -> list[bytes]:
    parser = KINDS["postfix"].make(Source(name="log", kind="postfix", host="origin"), DECLARED)
    log = seeds.logs("postfix")[0]
    return [envelope.encode(event) for event in parser.parse(pieces_of(log), file="log", observed_at=NOW)]


def _of_batches() -> list[bytes]:
    values = _of_events()
    return [joined(values[:1]), joined(values[:4]), joined(values[4:10]), joined(values[:30])]


def _of_records() -> list[bytes]:
    return [records.encode(name, _with_bytes(name, seeds.example(name))) for name in LOW]


def _with_bytes(name: str, example: dict[str, Any]) -> dict[str, Any]:
    """An example as Avro's JSON has it: bytes are texts, a union's value stands under its branch."""
    record: dict[str, Any] = {}
    for field in records.parsed(name)["fields"]:
        if field["name"] not in example:
            continue
        value = example[field["name"]]
        value = next(iter(value.values())) if isinstance(value, dict) else value
        wants_bytes = "bytes" in str(field["type"]) or "fixed" in str(field["type"])
        record[field["name"]] = value.encode("latin-1") if wants_bytes and isinstance(value, str) else value
    return record


def _of_segments() -> list[bytes]:
    part = empty()
    events = [envelope.decode(value) for value in _of_events()]
    part.take(consecutive(events, 0, len(events)))
    made = list(segments.whole(part))
    return [joined([one]) for one in made] + [joined(made)]


_FRAMES = tuple(b"\0" + number.to_bytes(4, "big") for numbers in ids().values() for number in numbers)
_LONGS = (b"\xff" * 9 + b"\1", b"\xfe" + b"\xff" * 8 + b"\1", b"\x80" * 9 + b"\1", b"\xff" * 11, b"\1", b"\x80\x80\x40")

TARGETS = (
    Target(name="event", run=_event, seeds=_of_events, words=(*_FRAMES, *_LONGS), rounds=3000),
    Target(name="batch", run=_batch, seeds=_of_batches, words=(*_FRAMES, *_LONGS), rounds=800),
    Target(name="record", run=_record, seeds=_of_records, words=(*_FRAMES, *_LONGS), rounds=1500),
    Target(name="frames", run=_frames, seeds=_of_events, words=_FRAMES, rounds=500),
    Target(name="segments", run=_segments, seeds=_of_segments, words=(b"ARROW1", b"\xff\xff\xff\xff"), rounds=500),
)
