"""The sample day: what Custody says equals what an independent reading of the evidence says, alarm by alarm."""

import json
import lzma
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams import profiles
from streams.cli.app import custody
from streams.collect.evidence import Evidence
from streams.collect.look import Look, look
from streams.collect.sources import read
from streams.core.clock import BEGINNING, Clock, Tick
from streams.core.custody import Custody
from streams.core.events import Kind, MessageEvent
from streams.core.facts import facts, frame_of
from streams.core.findings import findings
from streams.core.terms import Terms
from streams.simulate.events import events as events_of
from streams.simulate.reading import Reading
from streams.simulate.stage import simulate

DAY = Path(__file__).parent / "data" / "day"
MONDAY = Path(__file__).parent / "data" / "monday"
SECOND = 1_000_000
DAY_LONG = 86_400 * SECOND

DEAD = "someone@nowhere.example"
"""Whom the simulated network's people write to at a domain that never answers."""

Name = tuple[str, ...]
Alarm = tuple[Name, int, int | None]
"""Host, queue id and recipient; raised; cleared or None."""


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """The oracle."""
    answer: dict[str, Any] = json.loads(lzma.decompress((DAY / "expected.json.xz").read_bytes()))
    return answer


@pytest.fixture(scope="module")
def events() -> list[MessageEvent]:
    """All events of the day, source after source."""
    return list(Evidence(read(DAY / "sources.toml")).events())


def micros(text: str | None) -> int | None:
    """An oracle's time in microseconds."""
    if text is None:
        return None
    return round(datetime.fromisoformat(text).timestamp() * SECOND)


def alarms(events: Iterable[MessageEvent], end: int, terms: Terms) -> dict[str, list[Alarm]]:
    """Everything found at the end of the day, by rule."""
    custody, clock = Custody(terms=terms), Clock()
    custody.fold(facts(frame_of(list(events)), BEGINNING))
    clock.hear(Tick(through=end))
    found: dict[str, list[Alarm]] = {}
    for one in findings(custody, clock):
        name_of = custody.leg_name if one.subject == "leg" else custody.entry_name
        for row, raised, cleared in zip(one.rows.tolist(), one.raised.tolist(), one.cleared.tolist(), strict=True):
            name = name_of(row)
            found.setdefault(one.rule, []).append((name, raised, None if cleared > end else cleared))
    return found


@pytest.fixture(scope="module")
def found(events: list[MessageEvent], expected: dict[str, Any]) -> dict[str, list[Alarm]]:
    """What Custody finds."""
    return alarms(events, micros(expected["end"]) or 0, profiles.load(str(DAY / "day-terms.toml")))


def is_close(one: int | None, other: int | None) -> bool:
    """The same to the second, or both nothing: logs have whole seconds."""
    return one is other if one is None or other is None else abs(one - other) <= SECOND


def assert_same(mine: list[Alarm], theirs: list[Alarm]) -> None:
    """The same alarms about the same legs, to the second."""
    assert sorted(name for name, *_ in mine) == sorted(name for name, *_ in theirs)
    for (name, raised, cleared), (_, their_raised, their_cleared) in zip(sorted(mine), sorted(theirs), strict=True):
        assert is_close(raised, their_raised), name
        assert is_close(cleared, their_cleared), name


def test_overdue_reports_are_those_of_the_oracle(found: dict[str, list[Alarm]], expected: dict[str, Any]) -> None:
    """39 raised, 31 cleared, 8 standing; raised at the microsecond."""
    theirs: list[Alarm] = [
        (
            ("origin", unit["origin_queue_id"], unit["recipient"]),
            micros(unit["overdue"]["raised_at"]) or 0,
            micros(unit["overdue"]["cleared_at"]),
        )
        for unit in expected["units"]
        if unit["overdue"]
    ]
    assert_same(found["overdue"], theirs)
    assert sorted(raised for _, raised, _ in found["overdue"]) == sorted(raised for _, raised, _ in theirs)
    assert len(theirs) == 39
    assert sum(cleared is None for _, _, cleared in theirs) == 8


def test_stuck_stays_are_those_of_the_oracle(found: dict[str, list[Alarm]], expected: dict[str, Any]) -> None:
    """40 raised, 39 cleared; and no message of another class is stuck."""
    theirs: list[Alarm] = [
        (
            (stay["host"], stay["queue_id"], unit["recipient"]),
            micros(stay["raised_at"]) or 0,
            micros(stay["cleared_at"]),
        )
        for unit in expected["units"]
        for stay in unit["stuck"]
    ]
    assert_same(found["stuck"], theirs)
    assert len(theirs) == 40


def test_unread_copies_are_those_of_the_oracle(found: dict[str, list[Alarm]], expected: dict[str, Any]) -> None:
    """82 copies that nobody opened, to the microsecond."""
    theirs = Counter(
        (copy["mailbox"], micros(copy["raised_at"]), micros(copy["cleared_at"]))
        for unit in expected["units"]
        for copy in unit["unread"]
    )
    assert Counter((name[2], raised, cleared) for name, raised, cleared in found["unread"]) == theirs
    assert theirs.total() == 82


def test_refusals_are_those_of_the_oracle(found: dict[str, list[Alarm]], expected: dict[str, Any]) -> None:
    """Ten refused, five by an unknown mailbox, four by expiry, one by half."""
    theirs: list[Alarm] = [
        (("origin", unit["origin_queue_id"], unit["recipient"]), micros(unit["refused"]["at"]) or 0, None)
        for unit in expected["units"]
        if unit["refused"]
    ]
    assert_same(found["refused"], theirs)


def test_one_copy_was_expunged_unread(found: dict[str, list[Alarm]], expected: dict[str, Any]) -> None:
    """not-read: one."""
    theirs = [(copy["mailbox"], micros(copy["at"])) for unit in expected["units"] for copy in unit["not_read"]]
    assert [(name[2], raised) for name, raised, _ in found["not-read"]] == theirs


def test_nothing_else_is_found_but_what_was_done(found: dict[str, list[Alarm]], expected: dict[str, Any]) -> None:
    """The four deletions, and the two Message-IDs that were used twice: nothing more."""
    lost = {unit["origin_queue_id"] for unit in expected["units"] if unit["case"] == "lost"}
    assert {name[1] for name, *_ in found["deleted"]} == lost
    twice = [unit for unit in expected["units"] if unit["case"] in {"same-twice", "id-reused"}]
    first = {
        min(u["submitted_at"] for u in twice if u["message_id"] == key) for key in {u["message_id"] for u in twice}
    }
    again = {unit["origin_queue_id"] for unit in twice if unit["submitted_at"] not in first}
    assert {name[1] for name, *_ in found["identity-reused"]} == again
    assert set(found) == {"overdue", "stuck", "unread", "refused", "not-read", "deleted", "identity-reused"}


def test_any_order_of_sources_gives_the_same(
    events: list[MessageEvent], found: dict[str, list[Alarm]], expected: dict[str, Any]
) -> None:
    """Whatever is read first, and if some of it is read twice."""
    terms = profiles.load(str(DAY / "day-terms.toml"))
    draw = random.Random(7)  # noqa: S311 - a test's order
    for _ in range(3):
        order = [*events, *draw.sample(events, 500)]
        draw.shuffle(order)
        again = alarms(order, micros(expected["end"]) or 0, terms)
        assert {rule: Counter(some) for rule, some in again.items()} == {
            rule: Counter(some) for rule, some in found.items()
        }


def test_a_look_at_it_sees_everything() -> None:
    """Declared sources of every kind: reports were asked for and came, and the store's log is there."""
    result = CliRunner().invoke(custody, ["look", "--sources", str(DAY / "sources.toml")])
    assert result.exit_code == 0
    assert "Cannot be seen" not in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_the_default_profile_tells_what_nobody_mended(events: list[MessageEvent], expected: dict[str, Any]) -> None:
    """Under `watch`, three days later: four deletions by hand, eight reports that never came, and one forgotten hold.

    Reports were asked for, so they are promises made explicitly; who was refused was told; what was late has arrived;
    and mailboxes are watched by choice only.
    """
    found = alarms(events, (micros(expected["end"]) or 0) + 3 * DAY_LONG, profiles.load("watch"))
    assert {rule: len(some) for rule, some in found.items()} == {"deleted": 4, "overdue": 8, "stuck": 1}
    assert all(cleared is None for some in found.values() for _, _, cleared in some)
    case = {(unit["origin_queue_id"], unit["recipient"]): unit["case"] for unit in expected["units"]}
    silent = Counter(case[name[1], name[2]] for name, *_ in found["overdue"])
    assert silent == {"lost": 4, "report-lost": 3, "held-forgotten": 1}
    assert {case[name[1], name[2]] for name, *_ in found["deleted"]} == {"lost"}
    assert [name for name, *_ in found["stuck"]] == [
        (stay["host"], stay["queue_id"], unit["recipient"])
        for unit in expected["units"]
        for stay in unit["stuck"]
        if unit["case"] == "held-forgotten"
    ]


def test_the_default_profile_is_quiet_on_an_ordinary_day() -> None:
    """A day without faults: only what lay for hours for a domain that never answers is told, and is over by the end."""
    world = simulate(1, 1000, wishes=()).world
    ordinary = [event for _, some in events_of(Reading(world)) for event in some]
    found = alarms(ordinary, world.until + 3 * DAY_LONG, profiles.load("watch"))
    unheard = {(e.host, e.queue_id, e.recipient) for e in ordinary if e.kind is Kind.REFUSED and e.recipient == DEAD}
    assert {rule: len(some) for rule, some in found.items()} == {"overdue": 1, "stuck": 1}
    assert {name for name, *_ in found["stuck"]} == unheard
    assert all(cleared is not None for some in found.values() for _, _, cleared in some)
    assert {name[2] for some in found.values() for name, *_ in some} == {DEAD}


def looked(folder: Path) -> Look:
    """What is found in a folder of logs under the default profile."""
    return look(read(folder / "sources.toml"), profiles.load("watch"))


def test_the_default_profile_is_quiet_on_the_logs_of_an_ordinary_monday() -> None:
    """Nothing is found, not even for a while, and every line is understood.

    There are rejections at the door (blocked, greylisted, unknown, no relay, too large, a colleague's typing error),
    a virus that a milter rejects, spam into Junk and spam thrown away, cron's mail, backscatter ours and others' (what
    tells a forged sender of a full mailbox bounces: that message was nobody's of ours),
    vacation replies (one refused), a reader's forward, a hop through amavis, a full mailbox, a greylisting peer, one
    that is down for an hour, and a recipient who is unknown there, of which the originator was told.
    """
    seen = looked(MONDAY)
    assert seen.found == []
    assert seen.traffic == {"inbound": 10, "ours": 6, "report": 5, "transit": 2, "system": 1}
    assert (seen.kinds[Kind.REFUSED], seen.kinds[Kind.DEFERRED], seen.kinds[Kind.QUARANTINED]) == (4, 3, 1)
    assert all(not counts.unread and not counts.incomplete for counts in seen.counts.values())
    assert sum(count for what, count in seen.counts["mail"].ignored.items() if " reject " in what) == 6


BOUNCED = (
    "Nov 23 08:20:02 mx postfix/lmtp[820]: 4bK008x9Zqz1T: to=<alice@here.test>, "
    "relay=mx.here.test[private/dovecot-lmtp], delay=0.2, delays=0.1/0/0/0.1, dsn=5.2.2, status=bounced "
    "(host mx.here.test[private/dovecot-lmtp] said: 552 5.2.2 <alice@here.test> Quota exceeded)"
)
"""The notification of a refusal finds its originator's mailbox full."""

REQUEUED = "Nov 23 08:28:20 mx postfix/postsuper[99]: 4bK007x9Zqz1T: requeued"

DELETED = "Nov 23 08:28:20 mx postfix/postsuper[99]: 4bK007x9Zqz1T: removed"


@pytest.mark.parametrize(
    ("rule", "gone", "instead"),
    [
        ("refused", r"bounce\[\d+\]: 4bK007", []),
        ("refused", r"lmtp\[\d+\]: 4bK008", [BOUNCED]),
        ("stuck", r" 08:28:2\d .* 4bK007", []),
        ("deleted", r" 08:28:2\d .* 4bK007", [DELETED]),
        ("unaccounted", r" 08:28:2\d .* 4bK007", [REQUEUED]),
    ],
)
def test_on_that_monday_other_lines_make_an_alarm(rule: str, gone: str, instead: list[str], tmp_path: Path) -> None:
    """A refusal that nobody was told of, or in vain; a message that never went on, or was deleted, or put in again."""
    shutil.copytree(MONDAY, tmp_path, dirs_exist_ok=True)
    lines = (MONDAY / "mail.log").read_text().splitlines()
    kept = [line for line in lines if not re.search(gone, line)]
    assert 0 < len(lines) - len(kept) <= 3
    (tmp_path / "mail.log").write_text("\n".join(sorted([*kept, *instead], key=lambda line: line[:15])) + "\n")
    assert [one["rule"] for one in looked(tmp_path).found if one["cleared_at"] is None] == [rule]
