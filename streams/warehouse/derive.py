"""Deriving custody in SQL: for the messages that were touched since the last derivation, and those connected with them.

Rules:
- Rows are replaced, nothing is incremented, so nothing can count twice. A version is when it was derived, and after the
  last also where the wall clock went back: what is derived would lose to what was.
- What was derived from is a vector of offsets, kept with its clock; new terms derive everything anew, and so does a log
  that is read again from before what was fed: it lost its tail, and goes on otherwise.
- Of what is being fed, later rows may be seen before earlier ones: derived is up to what the feed says is fed, and rows
  beyond it, which may be taken along, once more when they are fed.
- Messages are taken in slices, so that memory is bounded whatever was imported. The tables of a slice are in the
  engine's memory; a slice during which the warehouse began anew has lost them, and is not taken for derived.
- Where a hand-over connected what was known apart, messages are derived as of the tick before it, too: what had
  been told by then may be no more, and `alarms` says so.
- When sources were silent is kept as long as ticks are: what ended before the first of them is dropped.
- One derivation at a time for a ledger; its own tables bear a name of their own, so that two do no harm.
"""

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from streams.core.clock import BEGINNING, Clock, Tick
from streams.core.errors import Unavailable
from streams.core.identity import span_unit
from streams.core.lattice import NEVER
from streams.core.terms import Terms
from streams.wall import Wall
from streams.warehouse import owed
from streams.warehouse.client import AWAY, REFUSED
from streams.warehouse.fed import Fed, fed, offsets, turns, vector
from streams.warehouse.scripts import blocks, domain, filled
from streams.wire.envelope import LAST

log = logging.getLogger(__name__)

SLICE = 250_000
"""Events derived at once, or those of one message; they take about 400 MB of the engine's memory."""

ROUNDS = 40
"""Rounds of joining chains at most; each doubles the length that is joined."""

STALE = 3600
"""Seconds after which the tables of a derivation that died are dropped; no statement takes nearly as long."""

WORDS = {
    "session": "18446744073709551615",
    "copy": "18374403900871474942",
    "none": "toFixedString('', 18)",
    "ever": "toDateTime64(0, 6, 'UTC')",
    "never": "toDateTime64('2299-01-01', 6, 'UTC')",
    "for_ever": "toInt64(9223372036854775807)",
    "owed": owed.TYPE,
    "originator_domain": domain("originator"),
    "grade": "lowerUTF8(replaceOne(arrayFirst(a -> startsWith(a, 'grade='), attributes), 'grade=', ''))",
    "recipient_domain": domain("recipient"),
    "abandoned": "(kind = 'non_delivered' OR action IN ('expired', 'forced') OR startsWith(status, '4.'))",
}
"""What the scripts' `@words` stand for, but `@table`: the table that a block is run for. Abandoned is what nobody
refused: its time ran out or an operator said so, also where a status alone tells it (RFC 3463: class 4)."""

RECORDS = ("entry_records", "leg_records", "copy_records", "unit_records", "astray_records")
"""The tables of what is known."""

FORMER = ("reunion_records", *(f"former_{table}" for table in RECORDS))
"""Those of what was known before something connected it."""

KEPT = {table: table for table in RECORDS}
KEPT_APART = {table: f"work_{table}" for table in RECORDS}
"""Where rows are kept: those of what is known, and those of what was known at a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """What a derivation was made of.

    Attributes:
        clock: the clock that all partitions have reached, with the spans in which sources were silent or behind.
        tick: the tick that says so.
        offsets: by partition, the offset up to which all records were derived from.
        turns: by partition, how often feeding had begun again.
        terms: version of the terms.
        version: of what it kept last.
    """

    clock: Clock
    tick: Tick
    offsets: dict[int, int]
    turns: dict[int, int]
    terms: str
    version: int

    def since(self, now: dict[int, Fed]) -> dict[int, int]:
        """The offsets up to which what is fed now was derived from; none where feeding of any partition began again."""
        if any(self.turns.get(number, one.turn) != one.turn for number, one in now.items()):
            return {}
        return {number: self.offsets.get(number, 0) for number in now}


def derive(client: Any, terms: Terms, wall: Wall | None = None) -> int:
    """Derive what changed; returns the number of messages that were touched."""
    last, wall = derivation(client), wall or Wall()
    version = max(wall.now(), last.version + 1)
    now = fed(client)
    clock = _clock(client, last, now)
    since = last.since(now) if last.terms == terms.version else {}
    count = 0
    if since != offsets(now):
        with _working(client, version) as work:
            count = work.touched(since)
            work.derive(owed.parameters(terms))
    version = max(wall.now(), version)
    _nexts(client, version, now)
    _keep(client, max(wall.now(), version + 2), clock, now, terms)
    return count


def _nexts(client: Any, version: int, now: dict[int, Fed]) -> None:
    """Say which tick came after what was looked back at, where it is there by now; as the version after this one."""
    (statement,) = blocks("derive")["nexts"]
    client.command(statement, parameters={"version": version} | vector(offsets(now)))


def derivation(client: Any) -> Derivation:
    """The last derivation."""
    row = client.query(
        "SELECT toUnixTimestamp64Micro(clock), silent, behind, partitions, offsets, terms, version,"
        " turns, arrayMap(s -> (s.1, s.2, toUnixTimestamp64Micro(s.4), toUnixTimestamp64Micro(s.5)), spans)"
        " FROM derivations FINAL"
    ).result_rows[0]
    clock = Clock(through=row[0] or BEGINNING)
    for rule, source, since, until in row[8]:
        clock.spans.setdefault((rule, source), []).append([since, NEVER if until == LAST else until])
    tick = Tick(through=clock.through, silent=tuple(row[1]), behind=tuple(row[2]))
    return Derivation(
        clock=clock,
        tick=tick,
        offsets=dict(zip(row[3], row[4], strict=True)),
        turns=dict(zip(row[3], row[7], strict=False)),  # none are kept from before there were any
        terms=row[5],
        version=row[6],
    )


def is_derived(client: Any) -> bool:
    """Is everything derived that was fed."""
    now = fed(client)
    return derivation(client).since(now) == offsets(now)


def _clock(client: Any, last: Derivation, now: dict[int, Fed]) -> tuple[Clock, Tick]:
    """The clock that all partitions have reached, and what the ticks of the first partition said on the way there."""
    rows = client.query(
        "WITH heard AS (SELECT * FROM ticks WHERE through > fromUnixTimestamp64Micro({since:Int64}) AND"
        " log_offset < transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, toUInt64(0))),"
        " reached AS (SELECT max(through) AS through FROM heard GROUP BY log_partition)"
        " SELECT toUnixTimestamp64Micro(through), silent, behind, doubted FROM heard"
        " WHERE log_partition = (SELECT min(log_partition) FROM heard)"
        " AND through <= (SELECT if(count() = {all:UInt16}, min(through), fromUnixTimestamp64Micro(0)) FROM reached)"
        " ORDER BY log_offset",
        parameters={"since": max(last.clock.through, 0), "all": len(now)} | vector(offsets(now)),
    ).result_rows
    clock, tick = last.clock, last.tick
    for through, silent, behind, doubted in rows:
        if through > clock.through:
            tick = Tick(through=through, silent=tuple(silent), behind=tuple(behind), doubted=tuple(doubted))
            clock.hear(tick)
    return clock, tick


def _keep(client: Any, version: int, clock: tuple[Clock, Tick], now: dict[int, Fed], terms: Terms) -> None:
    """Say what was derived from; the views answer for this clock from now on."""
    profile, oldest = terms.profile, _oldest(client)
    row = {
        "name": "last",
        "version": version,
        "clock": max(clock[0].through, 0),
        "silent": list(clock[1].silent),
        "behind": list(clock[1].behind),
        "spans": [
            (rule, source, span_unit(source, since), since, min(until, LAST))
            for (rule, source), spans in clock[0].spans.items()
            for since, until in spans
            if until >= oldest
        ],
        "partitions": list(now),
        "offsets": list(offsets(now).values()),
        "turns": list(turns(now).values()),
        "terms": terms.version,
        "unaccounted_after": profile.unaccounted_after,
        "rules": sorted(terms.findings),
        "grace": profile.grace,
        "told_within": profile.told_within,
        "refused_always": profile.refused == "always",
        "refused_correctly": [owed.pattern(one) for one in profile.refused_correctly],
    }
    client.insert("derivations", [list(row.values())], list(row))  # as data: a parameter cannot be long


def _oldest(client: Any) -> int:
    """The first tick that is kept, microseconds; BEGINNING where there is none."""
    question = "SELECT toUnixTimestamp64Micro(through) FROM ticks ORDER BY log_partition, log_offset LIMIT 1"
    return next((int(through) for (through,) in client.query(question).result_rows), BEGINNING)


class _Work:
    """The tables of one derivation."""

    def __init__(self, client: Any, token: str, version: int) -> None:
        self._client, self._name = client, f"work_{token}_"
        self._parameters: dict[str, Any] = {"version": version}

    def touched(self, since: dict[int, int]) -> int:
        """Find the messages with events after these offsets."""
        self._run("begin", least=min(since.values(), default=0), **vector(since))
        return int(self._row("touched")[0])

    def derive(self, parameters: dict[str, Any]) -> None:
        """Derive them, slice by slice."""
        self._parameters |= parameters
        after = ""
        while True:
            self._run("slice", after=after, events=SLICE)
            count, after = self._row("slice_end")
            if not count:
                return
            self._take()
            self._run("retold")
            self._know()
            self._run("keep")
            self._run_each("retire", RECORDS)
            self._look_back()
            if self._row("slice_end") != (count, after):
                raise Unavailable("The warehouse began anew during a derivation, whose tables it keeps in memory.")

    def _take(self) -> None:
        """Take the facts of the slice, and of messages that share an entry, a session or a copy with it."""
        number = 0
        while self._row("to_take", round=number)[0]:
            self._run("take", round=number)
            number += 1

    def _know(self) -> None:
        """What the facts at hand say: give each leg the least leg of its chain, then go from stays to mailboxes."""
        self._run("chains")
        self._settle("")
        for step in ("stays", "credit", "units", "mailboxes"):
            self._run(step)

    def _settle(self, labels: str) -> None:
        """Give labels to what is connected until no label changes."""
        for _ in range(ROUNDS):
            self._run(f"{labels}round")
            (changed,) = self._row(f"{labels}changed")
            if not changed:
                return
            self._run(f"{labels}exchange")
        log.warning("chains of more than 2^%d hand-overs are not joined", ROUNDS)

    def _look_back(self) -> None:
        """Derive again what was known before each hand-over that connected what was known apart."""
        self._run("apart")
        found, held = self._row("is_apart")
        if found:
            self._run("groups")
            self._settle("group_")
            self._run("moments")
            (most,) = self._row("most")
            for number in range(1, most + 1):
                self._former(number)
        if found or held:
            self._run_each("retire", FORMER)

    def _former(self, number: int) -> None:
        """Derive messages of which there are so many such moments as of that moment."""
        self._run("former", number=number)
        self._run_each("apart_records", RECORDS)
        self._know()
        self._run("keep", KEPT_APART)
        self._run_each("keep_former", RECORDS, number=number)

    def _run_each(self, block: str, tables: Sequence[str], **more: Any) -> None:
        for table in tables:
            self._run(block, {"table": table}, **more)

    def _run(self, block: str, words: Mapping[str, str] = KEPT, **more: Any) -> None:
        for statement in blocks("derive")[block]:
            named = self._named(filled(statement, words))
            self._client.command(named, parameters=self._parameters | more, settings=SETTINGS)

    def _row(self, block: str, **more: Any) -> Any:
        (question,) = blocks("derive")[block]
        return self._client.query(self._named(question), parameters=more).result_rows[0]

    def _named(self, statement: str) -> str:
        return filled(statement, WORDS).replace("work_", self._name)


SETTINGS = {"prefer_column_name_to_alias": 1}  # the earliest of x may be called x


@contextmanager
def _working(client: Any, version: int) -> Iterator[_Work]:
    """Tables of one derivation, dropped after it; those of one that died as well."""
    token = secrets.token_hex(4)
    try:
        yield _Work(client, token, version)
    finally:
        _drop(client, token)


def _drop(client: Any, token: str) -> None:
    try:
        names = client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View'"
            " AND (startsWith(name, {mine:String}) OR match(name, '^(work|_tmp_replace)_')"  # of CREATE OR REPLACE
            " AND metadata_modification_time < now() - {stale:UInt32})",
            parameters={"mine": f"work_{token}_", "stale": STALE},
        ).result_rows
        if names:
            client.command(f"DROP TABLE IF EXISTS {', '.join(name for (name,) in names)}")
    except (*AWAY, REFUSED) as error:
        log.warning("tables of a derivation stay: %s", error)
