"""What is remembered of a store's log, and what garbage costs: a restart and foreign bytes change nothing."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.collect import dovecot_memory
from streams.collect.parser import Piece
from streams.core.errors import Misuse
from streams.core.events import MessageEvent
from tests.collect.dovecot_logs import (
    CAROL,
    END,
    GONE,
    IMAP,
    LMTP,
    POP3,
    SEEN,
    SESSION,
    case,
    day,
    feed,
    mail,
    parser,
    pieces,
    read,
    told,
)
from tests.collect.postfix_logs import OBSERVED


def test_memory_is_bounded() -> None:
    """Copies that never become moves, deliveries, marks and POP3 sessions are forgotten, the oldest first."""
    by = parser()
    for number in range(12_000):
        session = f"lmtp({CAROL})<7><{SESSION}{number}>: "
        leaving = f"pop3({CAROL})<7><s{number % 3000}>: "
        feed(
            by,
            told(
                IMAP + mail("copy from INBOX", number, box="A", msgid=f"<{number % 11_000}>"),
                session + mail("save", number, flags=SEEN),
                leaving + mail("expunge", number, box="B"),
            ),
        )
    memory = msgspec.msgpack.decode(by.state(), type=dovecot_memory.Memory)
    assert sum(len(copies) for copies in memory.copies.values()) == memory.held <= dovecot_memory.COPIES
    assert len(memory.origins) <= dovecot_memory.COPIES
    assert max(len(memory.saved), len(memory.marked), len(memory.left)) <= dovecot_memory.SESSIONS
    assert len(feed(by, told(IMAP + mail("expunge", msgid="<999>")))) == 1


def test_a_session_that_empties_a_mailbox_is_bounded() -> None:
    """One POP3 session holds only so many messages until its end."""
    by = parser()
    for number in range(0, 2_000, 50):
        feed(by, told(*[POP3 + mail("expunge", uid) for uid in range(number, number + 50)]))
    events = feed(by, told(END + "top=0/0, retr=0/0, del=2000/2000, size=9"))
    assert len(events) == dovecot_memory.LEFT


@pytest.mark.parametrize(
    "state", [b"", b"garbage", msgspec.msgpack.encode({"version": 2}), msgspec.msgpack.encode({"new": 1})]
)
def test_a_checkpoint_of_another_version_is_refused(state: bytes) -> None:
    """It fails at the start and says so."""
    with pytest.raises(Misuse, match="checkpoint of store-log"):
        parser().restore(state)


def test_an_end_tells_nothing() -> None:
    """Lines are whole; and of the unread only the first are kept with their place."""
    by = parser()
    feed(by, [b"garbage"] * 50)
    assert not list(by.close())
    assert (len(by.counts.examples), by.counts.unread.total()) == (20, 50)


def _mixed() -> list[bytes]:
    """Everything that is remembered, interleaved with the day."""
    trap = told(
        IMAP + mail("copy from INBOX", 1, box="A"),
        LMTP + mail("save", flags=SEEN),
        GONE,
        f"lmtp(77, {CAROL}): " + mail("save", box="Lists"),
        IMAP + mail("expunge"),
        END + "top=0/0, retr=0/0, del=1/1, size=9",
        f"lmtp(77, {CAROL}): {SESSION}: msgid=<m@x.test>: saved mail to Lists",
        LMTP + "msgid=<m@x.test>: saved mail to INBOX",
        IMAP + mail("flag_change", flags=SEEN),
        f"lda({CAROL})<7><{SESSION}2>: msgid=<n@x.test>: rejected: Quota exceeded",
    )
    return [line for group in zip(day()[:600:50], trap * 2, strict=False) for line in group]


MIXED = [*_mixed(), *case("dovecot_imap_steps")]
WHOLE = read(MIXED)


@settings(max_examples=100, deadline=None)
@given(cuts=st.lists(st.integers(0, len(MIXED)), max_size=6))
def test_a_restart_changes_nothing(cuts: list[int]) -> None:
    """State taken and restored between any lines gives the same events with the same identities."""
    events: list[MessageEvent] = []
    state, numbered = parser().state(), pieces(MIXED)
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(MIXED)], strict=True):
        by = parser()
        by.restore(state)
        events += by.parse(numbered[begin:end], file="dovecot.log", observed_at=OBSERVED)
        state = by.state()
    assert events == WHOLE


# Garbage

PIECES = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from(day()),
        st.text(max_size=120).map(lambda text: f"2026-11-23T12:00:00Z {LMTP}{text}".encode("utf-8", "surrogatepass")),
        st.text(max_size=120).map(
            lambda text: f"2026-11-23T12:00:00Z {IMAP}copy from {text}".encode("utf-8", "surrogatepass")
        ),
        st.tuples(st.sampled_from(day()), st.integers(0, 200), st.binary(max_size=4)).map(
            lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
        ),
    ),
    max_size=10,
)


@settings(max_examples=300, deadline=None)
@given(lines=PIECES)
def test_foreign_bytes_never_raise_and_nothing_is_dropped_in_silence(lines: list[bytes]) -> None:
    """Each line is an event, or ignored by program, or unread with its reason."""
    by = parser()
    events = feed(by, lines)
    assert by.counts.events == len(events)
    assert by.counts.pieces == len(lines) <= len(events) + by.counts.ignored.total() + by.counts.unread.total()
    by.restore(by.state())
    msgspec.msgpack.encode(events)


@pytest.mark.timeout(240)
def test_a_long_line_costs_little() -> None:
    """Of 200,000 bytes that look like fields, names or brackets each is looked at a few times, not once for each."""
    rng = random.Random(7)  # noqa: S311 - a test's data
    atoms = [
        ": box=",
        ", uid=",
        ", msgid=",
        ", size=1",
        "<",
        ">",
        "(",
        "a",
        " ",
        "flags=(",
        ": discarded",
        "copy from ",
    ]
    for head in (LMTP, IMAP, LMTP + "copy from ", LMTP + "save: box=", LMTP + "sieve: msgid=", POP3 + "top="):
        for atom in (*atoms, "".join(rng.choices(atoms, k=50))):
            line = f"2026-11-23T12:00:00Z {head}{atom * (200_000 // len(atom))}".encode()
            list(parser().parse([Piece(offset=0, raw=line)], file="f", observed_at=OBSERVED))
