"""The desk: what it keeps of alerts outlives it, and is small."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.ports import Log
from streams.kafka.progress import plain
from streams.respond import cases
from streams.respond.desk import AT_ONCE, Desk
from streams.settings import Settings
from streams.wire import records
from tests.kafka.memory import MemoryLog
from tests.respond.test_cases import alert

WHOLE = {"unit": bytes(16), "partition": 0, "clock": 0, "terms": "", "host": "", "queue_id": "", "recipient": ""}


DAY = 86_400_000_000
KEEP = 400 * DAY


@pytest.fixture
def log() -> MemoryLog:
    """An empty ledger."""
    return MemoryLog(Settings(ledger="test", partitions=1))


class Written(dict[bytes, bytes]):
    """A table that counts what its changelog has."""

    count = size = 0

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """An entry is written."""
        self.count, self.size = self.count + 1, self.size + len(key) + len(value)
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        """An entry is taken away."""
        self.count += 1
        super().__delitem__(key)


def hear(desk: Desk, *alerts: dict[str, Any]) -> None:
    """Alerts come to the desk, as records."""
    for number, one in enumerate(alerts):
        desk.hear(records.encode("alert", WHOLE | one), (0, number))


def said(log: Log) -> list[tuple[str, int, int]]:
    """State, members and standing of each case, as told last."""
    last = {
        one["case_id"]: (one["state"], one["members"], one["standing"])
        for batch in log.read_range("cases")
        for one in (plain(records.decode("case", value)) for value in batch.values)
    }
    return sorted(last.values())


def test_another_desk_goes_on_where_one_ended(log: MemoryLog) -> None:
    """It has the table, and nothing else: who cleared what was raised before, and who has seen it."""
    table: dict[bytes, bytes] = {}
    hear(Desk(log, table), alert(1), alert(2), alert(3, cause="deleted by hand on relay"))
    assert said(log) == [("open", 1, 1), ("open", 2, 2)]
    hear(Desk(log, table), alert(1, "cleared", 30, cause="left dest"), alert(3, "cleared", 30, cause="left dest"))
    assert said(log) == [("closed", 1, 0), ("open", 2, 1)]
    hear(Desk(log, table), alert(2, "cleared", 40))
    assert said(log) == [("closed", 1, 0), ("closed", 2, 0)]


def give(desk: Desk, log: MemoryLog, offset: int) -> list[int]:
    """Give what stands at an offset of the alerts, as a worker does; returns what was missed before it."""
    part = log.part("alerts", 0, offset, offset + 1)
    missed = list(desk.missed("alerts", (0, offset)))
    for value, place in (*missed, (part.values[0], (0, offset))):
        desk.hear(value, place)
    return [at for _, (_, at) in missed]


def test_what_was_never_given_is_read_from_the_log(log: MemoryLog) -> None:
    """Who begins again knows how far was heard; what comes again, or was compacted, is not missed."""
    table: dict[bytes, bytes] = {}
    desk = Desk(log, table)
    log.topics["alerts"][0] = [(b"", records.encode("alert", WHOLE | alert(n))) for n in range(9)]
    assert [give(desk, log, offset) for offset in (2, 3, 5)] == [[0, 1], [], [4]]
    assert [give(Desk(log, table), log, offset) for offset in (4, 5, 6)] == [[], [], []]
    log.topics["alerts"][0][7] = None
    assert give(Desk(log, table), log, 8) == []
    assert sum(members for _, members, _ in said(log)) == 8


def test_orders_that_were_never_given_are_read_from_the_log(log: MemoryLog) -> None:
    """How far they were heard is a thing of its own."""
    table: dict[bytes, bytes] = {}
    log.topics["commands"][0] = [(b"", b"no order")] * 3
    log.topics["alerts"][0] = [(b"", records.encode("alert", WHOLE | alert(1)))]
    desk = Desk(log, table)
    assert give(desk, log, 0) == []
    assert [place for _, place in desk.missed("commands", (0, 2))] == [(0, 0), (0, 1)]
    desk.obey(b"no order", (0, 1))
    assert [place for _, place in desk.missed("commands", (0, 2))] == []


def test_a_discharge_of_a_case_leaves_the_case_to_its_alerts(log: MemoryLog) -> None:
    """Nobody has seen what it does not reach; and the order is understood, as that of a message is."""
    desk, one = Desk(log, {}), alert(1)
    hear(desk, one)
    told = len(log.topics["cases"][0])
    for subject in (cases.case_id(one).hex(), "m@x carol@dest.test"):
        order = {"command_id": bytes(16), "action": "discharge", "subject": subject, "author": "ann", "reason": "told"}
        desk.obey(records.encode("command", order | {"at": 5, "attributes": []}), (0, 0))
    assert (said(log), len(log.topics["cases"][0])) == ([("open", 1, 1)], told)
    assert not any(log.topics["message-events-dlq"])


def test_a_table_of_an_older_version_has_heard_what_is_before(log: MemoryLog) -> None:
    """It does not say how far: all of it again would be told once more."""
    log.topics["alerts"][0] = [(b"", records.encode("alert", WHOLE | alert(n))) for n in range(9)]
    desk = Desk(log, {bytes(16): msgspec.msgpack.encode(cases.Cover("overdue: left relay"))})
    assert [give(desk, log, offset) for offset in (6, 8)] == [[], [7]]


def test_an_alert_of_a_great_case_costs_no_more_than_of_a_small_one(log: MemoryLog) -> None:
    """What is written to the table for it is of a size, however many members the case has."""
    table = Written()
    desk = Desk(log, table)
    many = [alert(1, alert_id=n.to_bytes(16, "big"), at=n) for n in range(600)]
    hear(desk, *many[:100])
    first = table.size
    hear(desk, *many[100:])
    assert table.size < 6.3 * first


def test_a_table_that_was_taken_over_is_read_again(log: MemoryLog) -> None:
    """Another worker had it meanwhile."""
    table: dict[bytes, bytes] = {}
    desk = Desk(log, table)
    hear(desk, alert(1))
    hear(Desk(log, table), alert(2))
    desk.forget()
    hear(desk, alert(3))
    assert said(log) == [("open", 3, 3)]


def test_what_was_cleared_long_ago_is_forgotten(log: MemoryLog) -> None:
    """After the days that the warehouse keeps, from table and memory; a case with its last alert; what stands stays."""
    table: dict[bytes, bytes] = {}
    desk = Desk(log, table)
    gone = alert(9, "cleared", 2, alert_id=b"9" * 16)  # it was never heard to be raised
    hear(desk, *(alert(n) for n in (1, 2, 3)), alert(4, cause="over"), alert(5, cause="over"), gone)
    hear(desk, *(alert(n, "cleared", n) for n in (1, 2)), *(alert(n, "cleared", 40) for n in (4, 5)))
    assert len(table) == 6 + 2 + 2
    hear(desk, alert(6, at=KEEP, clock=KEEP))
    assert (len(table), said(log)) == (7 + 2 + 2, [("closed", 2, 0), ("open", 4, 2)])
    hear(desk, alert(7, at=KEEP + DAY, clock=KEEP + DAY))
    assert (len(table), said(log)) == (3 + 1 + 2, [("closed", 2, 0), ("open", 3, 3)])
    hear(desk, alert(8, at=KEEP + DAY, clock=KEEP + DAY, cause="over"))
    assert said(log) == [("open", 1, 1), ("open", 3, 3)]


def test_a_cover_without_alerts_is_forgotten(log: MemoryLog) -> None:
    """A version before wrote it, and its alerts otherwise."""
    table = {bytes(16): msgspec.msgpack.encode(cases.Cover("overdue: left relay"))}
    hear(Desk(log, table), alert(1))
    assert bytes(16) not in table


def test_forgetting_writes_each_entry_once(log: MemoryLog) -> None:
    """And the day; what comes within that day, or bears an earlier clock, writes what it did before."""
    table = Written()
    desk = Desk(log, table)
    hear(desk, *(alert(n) for n in range(9)), *(alert(n, "cleared", 40) for n in range(9)))
    before = table.count
    hear(desk, alert(20, at=KEEP + DAY, clock=KEEP + DAY))
    assert table.count - before == 9 + 1 + 1 + 3
    before = table.count
    hear(Desk(log, table), *(alert(21, clock=at, message_key="m20") for at in (KEEP + 2 * DAY - 1, 0)))
    assert table.count - before == 1 + 1


def test_no_alert_waits_until_a_great_many_are_forgotten(log: MemoryLog) -> None:
    """As when a worker has a table of years: the oldest with the first alert, the others with those that follow."""
    case = cases.case_id(alert(1))
    table = {case: msgspec.msgpack.encode(cases.Cover("overdue: on hold on relay"))}
    for n in range(AT_ONCE + 9):
        table[b"alert" + n.to_bytes(16, "big")] = msgspec.msgpack.encode(cases.Member(case, 0, AT_ONCE - n % 100))
    for left in (9, 0):
        hear(Desk(log, table), alert(1, at=KEEP + DAY, clock=KEEP + DAY))
        kept = [msgspec.msgpack.decode(raw, type=cases.Member) for key, raw in table.items() if key[:5] == b"alert"]
        assert [one.cleared_at for one in kept if one.cleared_at] == left * [AT_ONCE]


TOLD = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(("raised", "cleared")), st.integers(0, 6), st.booleans()), max_size=30
)


@given(TOLD)
def test_a_desk_that_is_begun_again_says_and_keeps_the_same(told: list[tuple[int, str, int, bool]]) -> None:
    """Wherever it was begun anew, and whatever the clocks; all that stands is kept."""
    ends = []
    for again in (False, True):
        log, table = MemoryLog(Settings(ledger="test", partitions=1, keep_alerts_days=2)), Written()
        desk = Desk(log, table)
        for number, state, day, begun in told:
            desk = Desk(log, table) if again and begun else desk
            hear(desk, alert(number, state, number * DAY // 2, clock=day * DAY, cause=f"cause {number % 2}"))
        ends.append((table, table.count, log.topics["cases"]))
        standing = {number for number, *_ in told} - {number for number, state, *_ in told if state == "cleared"}
        assert standing <= {key[5] for key in table if key.startswith(b"alert")}
    assert ends[0] == ends[1]
