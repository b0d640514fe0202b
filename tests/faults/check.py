"""What must be true after any faults, read from what was acknowledged and what came out, and from nothing else.

Rules:
- Each check says what is wrong, in a sentence each; nothing said is nothing wrong.
- The plan of the mail says what is due; the log says what was derived from what. No state of any process is looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from streams.core.clock import Tick
from streams.core.events import Kind, MessageEvent
from streams.core.queues import queues
from streams.core.terms import SECOND
from streams.kafka.names import EVENTS
from streams.kafka.progress import all_progress, plain
from streams.respond import cases
from streams.track.part import Part
from streams.track.replay import Replay, compare, live
from streams.track.tracker import Tracker
from streams.warehouse.rows import PLAIN, START, plain_columns, plain_row, rows
from streams.wire import envelope, records
from tests.faults.mail import TERMS, Alarm, Mail, alarm_of
from tests.faults.store import Tables
from tests.faults.world import World
from tests.kafka.memory import MemoryLog

CONTENT = ("rule", "unit", "at", "due", "message_key", "host", "queue_id", "recipient", "severity", "proven", "terms")
"""What an alert says that no later evidence changes."""

AFTER = 1000 * SECOND


def wrong(world: World, tracker: type[Tracker] = Tracker) -> list[str]:
    """Everything that is wrong with what came out of a world; `tracker` takes up what was kept there."""
    log = decoded(world.log)
    replay = replayed(world.log)
    return [
        *lost(world.mail, log),
        *too_early(world.mail, log),
        *dishonest(world.mail, world.log),
        *(falsely_silent(world) if world.weather.patience else untold(world.mail, world.log)),
        *told_otherwise(world.log),
        *differing(world.log, replay),
        *unfed(world.log, world.tables),
        *misfiled(world.log),
        *unrecovered(world.log, replay, tracker),
        *misqueued(world, log, replay),
    ]


Decoded = dict[int, list[MessageEvent]]
"""Events by partition, in the order of the log."""


def decoded(log: MemoryLog) -> Decoded:
    """Every event of the log."""
    return {batch.partition: [envelope.decode(value) for value in batch.values] for batch in log.read_range(EVENTS)}


def replayed(log: MemoryLog) -> Replay:
    """The log, derived again."""
    replay = Replay(terms=TERMS)
    replay.run(log)
    return replay


def lost(mail: Mail, log: Decoded) -> Iterator[str]:
    """Every line that was written is an event of the log, and nothing else is."""
    there = {event.event_id for events in log.values() for event in events if event.kind is not Kind.TICK}
    if missing := mail.ids.keys() - there:
        yield f"lost: {len(missing)} of {len(mail.ids)} events are not in the log"
    if more := there - mail.ids.keys():
        yield f"invented: {len(more)} events were never written"


def too_early(mail: Mail, log: Decoded) -> Iterator[str]:
    """A tick stands after everything that happened before it at sources that it does not call silent."""
    for number, events in log.items():
        first = {event.event_id: offset for offset, event in reversed(list(enumerate(events)))}
        waited = [(*mail.ids[one], offset) for one, offset in first.items() if one in mail.ids]
        for offset, tick in ((n, event) for n, event in enumerate(events) if event.kind is Kind.TICK):
            silent = Tick.read(tick.occurred_at, tick.attributes).silent
            by_now = [place for host, at, place in waited if at <= tick.occurred_at and host not in silent]
            late = [place for place in by_now if place > offset]
            if late:
                yield f"too early: the tick at {number}/{offset} stands before {len(late)} events of its time"


def dishonest(mail: Mail, log: MemoryLog) -> Iterator[str]:
    """No source claims more than is there at the end, and each claims all of it."""
    for host in {host for host, _ in mail.ids.values()}:
        said = [one["through"] for one in all_progress(log) if one["source"] == host and one["through"]]
        if max(said, default=0) < mail.end * SECOND:
            yield f"never claimed: {host} did not come to its end"


def falsely_silent(world: World) -> Iterator[str]:
    """Only a source that said nothing for longer than the clock writer's patience is called silent."""
    for host in {alert["host"] for alert in told(world.log) if alert["rule"] == "source-silent"}:
        said = sorted(one["at"] for one in all_progress(world.log) if one["source"] == host)
        if (
            max(after - before for before, after in pairwise([*said, round(world.now * SECOND)]))
            <= world.weather.patience * SECOND
        ):
            yield f"falsely silent: {host}"


def told(log: MemoryLog) -> list[dict[str, Any]]:
    """Every alert that was told, in order."""
    return [plain(records.decode("alert", value)) for batch in log.read_range("alerts") for value in batch.values]


def untold(mail: Mail, log: MemoryLog) -> Iterator[str]:
    """What is due by the plan of the mail was told, once by its id; and nothing else."""
    ids: dict[Alarm, set[bytes]] = defaultdict(set)
    for alert in told(log):
        ids[alarm_of(alert)].add(alert["alert_id"])
    for alarm in sorted(mail.alarms.keys() - ids.keys()):
        yield f"not told: {alarm}"
    for alarm in sorted(ids.keys() - mail.alarms.keys()):
        yield f"told without reason: {alarm}"
    for alarm, names in ids.items():
        if len(names) > 1:
            yield f"told under {len(names)} ids: {alarm}"


def told_otherwise(log: MemoryLog) -> Iterator[str]:
    """An alert that was told again said the same."""
    said: dict[tuple[bytes, str], set[tuple[Any, ...]]] = defaultdict(set)
    for alert in told(log):
        said[alert["alert_id"], alert["state"]].add(tuple(alert.get(name) for name in CONTENT))
    for versions in said.values():
        if len(versions) > 1:
            yield f"told otherwise: {sorted(map(str, versions))}"


def differing(log: MemoryLog, replay: Replay) -> Iterator[str]:
    """A replay says what was told live."""
    found = compare(live(log), replay.alerts)
    if not found.identical:
        yield f"a replay differs: {len(found.missing)} missing, {len(found.extra)} more, {len(found.other)} otherwise"


def unfed(log: MemoryLog, tables: Tables) -> Iterator[str]:
    """The warehouse's rows are the log's records: all, and each as one feed without faults would store it."""
    expected = Tables()
    for batch in log.read_range(EVENTS):
        made = rows(batch.values, batch.keys, batch.partition, batch.offsets, START)
        for table, part in (("event_records", made.events), ("ticks", made.ticks)):
            for row in part.to_pylist():
                expected.put(table, row)
    for table, held in expected.rows.items():
        if table in ("event_records", "ticks") and held != tables.rows[table]:
            yield f"fed otherwise: {table}: {_differences(held, tables.rows[table])}"
    for topic, (_, table, _) in PLAIN.items():
        want, have = _keys(log, topic), tables.rows[table].keys()
        if want - have:
            yield f"not fed: {len(want - have)} of {len(want)} rows of {table}"
    yield from said_otherwise(log, tables)


def said_otherwise(log: MemoryLog, tables: Tables) -> Iterator[str]:
    """The warehouse says that every topic is fed up to its end."""
    said = {place: row["after"] for place, row in tables.rows["fed"].items()}
    for topic in (EVENTS, *PLAIN):
        ends = {(topic, number): end for number, end in log.end_offsets(topic).items() if end}
        if (there := {place: said.get(place) for place in ends}) != ends:
            yield f"said to be fed: {there}, and the log ends at {ends}"


def _keys(log: MemoryLog, topic: str) -> set[tuple[Any, ...]]:
    """The keys of the rows that a topic's records make."""
    made = Tables()
    kind, table, _ = PLAIN[topic]
    for batch in log.read_range(topic):
        for value, offset in zip(batch.values, batch.offsets, strict=True):
            row = plain_row(topic, records.decode(kind, value), offset)
            made.put(table, dict(zip(plain_columns(topic), row, strict=True)))
    return set(made.rows[table])


def _differences(want: dict[Any, Any], have: dict[Any, Any]) -> str:
    other = Counter(
        name for key in want.keys() & have.keys() for name in want[key] if want[key][name] != have[key].get(name)
    )
    return f"{len(want.keys() - have.keys())} missing, {len(have.keys() - want.keys())} more, other {dict(other)}"


def misfiled(log: MemoryLog) -> Iterator[str]:
    """Every case that was told last is what all alerts make of it."""
    alerts = list(told(log))
    want = cases.brought_by(alerts)
    have: dict[bytes, dict[str, Any]] = {}
    for batch in log.read_range("cases"):
        for said in (plain(records.decode("case", value)) for value in batch.values):
            have[said["case_id"]] = said
    raised, cleared = ({one["alert_id"] for one in alerts if one["state"] == state} for state in ("raised", "cleared"))
    if sum(last["standing"] for last in have.values()) != len(raised - cleared):
        yield f"misfiled: {len(raised - cleared)} alerts stand, the cases say otherwise"
    for number, case in want.items():
        expected = cases.record(case)
        last = have.get(number, {})
        names = ("state", "members", "standing", "opened_at", "closed_at")
        if any(last.get(name) != expected[name] for name in names):
            yield f"misfiled: {case.cover.cause}: {[last.get(name) for name in names]}"


def unrecovered(log: MemoryLog, replay: Replay, made: type[Tracker]) -> Iterator[str]:
    """A new worker takes up what was kept, from where it was kept, and goes on as a replay does."""
    tracker = made(log, TERMS, "another")
    tracker.step(0)
    for number, part in tracker.parts.items():
        place = log.stored.get((f"custody-tracker-{log.settings.ledger}", EVENTS, number))
        if place is not None and part.offset < (place.offset or 0):
            yield f"not recovered: partition {number} from {part.offset}, kept up to {place.offset}"
        again = replay.parts.get(number)
        if again is not None and _later(part) != _later(again):
            yield f"recovered otherwise: partition {number}"
    tracker.close()


def _later(part: Part) -> set[tuple[bytes, str, int]]:
    """What a partition will say when nothing more happens; it says it, so ask once."""
    part.clock.hear(Tick(through=part.clock.through + AFTER))
    return {(one["alert_id"], one["state"], one["at"]) for one in part.alarms.news(part.custody, part.clock)}


def misqueued(world: World, events: Decoded, replay: Replay) -> Iterator[str]:
    """What was said of a queue last is what it owes, where nothing was heard since the last tick.

    Who freezes after a commit says so when it wakes, maybe after another has said that nothing is owed any more: where
    processes freeze, what is said of a tick before the last counts for nothing.
    """
    settled = {number: there[-1].occurred_at for number, there in events.items() if there[-1].kind is Kind.TICK}
    said: dict[tuple[str, str, int], tuple[int, int]] = {}
    for batch in world.log.read_range("queue-states"):
        for one in (plain(records.decode("queue-state", value)) for value in batch.values):
            key = one["host"], one["next_hop"], one["partition"]
            if one["at"] >= said.get(key, (0, 0))[0]:
                said[key] = one["at"], one["count"]
    owed = {
        (queue.host, queue.next_hop, number): queue.count
        for number, part in replay.parts.items()
        for queue in queues(part.custody)
        if number in settled
    }
    last = {
        key: count
        for key, (at, count) in said.items()
        if count and key[2] in settled and (at == settled[key[2]] or not world.weather.freezes)
    }
    if last != owed:
        yield f"misqueued: said {said}, owed {owed}"
