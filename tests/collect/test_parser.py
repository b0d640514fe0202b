"""Lines as a block: what each says and where it stands is as if they were cut one by one."""

from hypothesis import example, given
from hypothesis import strategies as st

from streams.collect.parser import EXAMPLES, REASONS, Block, Counts, Piece, Unread, columns, large_of, raw_by_offset
from streams.collect.reading import lines_of

wholes = st.lists(
    st.binary(max_size=12) | st.sampled_from((b"", b"a\0b", "\u00e4\u20ac".encode(), b"\xe2\x82", b"\r", b"x" * 40))
).map(b"\n".join)


def _cut(whole: bytes, offset: int) -> list[Piece]:
    """The lines of a text, one by one."""
    found = []
    for line in whole.split(b"\n"):
        if raw := line.rstrip(b"\r"):
            found.append(Piece(offset=offset, raw=raw))
        offset += len(line) + 1
    return found


@given(wholes, st.integers(0, 1 << 40))
@example(b"a", 0)
@example(b"a\nb", 7)
@example("\u00e4\nb\nc".encode(), 7)
def test_a_block_is_its_lines(whole: bytes, offset: int) -> None:
    """Offsets, bytes and texts of the lines are those of pieces that are cut one by one."""
    pieces, want = lines_of(whole, offset, Counts(), "mail.log"), _cut(whole, offset)
    assert list(pieces) == want
    assert columns(pieces) == columns(want)
    assert len(pieces) == len(want)
    assert pieces[1:3] == want[1:3]


@given(wholes, st.integers(0, 99))
def test_the_line_at_an_offset(whole: bytes, before: int) -> None:
    """A line is found where it begins, and nowhere else."""
    pieces = lines_of(whole, before, Counts(), "mail.log")
    raw_at, raws = raw_by_offset(pieces), {piece.offset: piece.raw for piece in _cut(whole, before)}
    for offset in range(before + len(whole) + 3):
        assert raw_at(offset) == raws.get(offset), offset


@given(wholes, st.integers(0, 50))
def test_the_larger_lines(whole: bytes, size: int) -> None:
    """The same lines are too large, in a block or one by one."""
    assert large_of(lines_of(whole, 5, Counts(), "mail.log"), size) == large_of(_cut(whole, 5), size)


def test_plain_lines_stay_one_text() -> None:
    """A log's lines are not copied: only what is asked for is cut out."""
    assert isinstance(lines_of(b"a\nb", 0, Counts(), "mail.log"), Block)


def test_a_flood_of_what_is_unread_is_bounded() -> None:
    """Everything is counted, by kind of reason; places, and reasons that quote what they are about, are bounded."""
    counts = Counts()
    for number in range(300):
        counts.miss("mail.log", number, f"unknown status {number}")
        counts.miss("mail.log", number, f"cannot be read: {number}", "cannot be read")
    assert counts.unread["cannot be read"] == 300
    assert counts.unread["other reasons"] == 300 - (REASONS - 1)
    assert counts.unread.total() == 600
    assert len(counts.examples) == EXAMPLES
    assert counts.examples[1] == Unread(file="mail.log", offset=0, reason="cannot be read: 0")


def test_counts_of_a_collector_that_began_again() -> None:
    """They go on where those of the one before ended; what came first stands first."""
    before, counts = Counts(pieces=3, events=2), Counts(pieces=1, events=1)
    for one, offset in ((before, 7), (counts, 9)):
        one.miss("mail.log", offset, "no time")
        one.ignored["smtpd"] += 1
        one.incomplete.append(Unread(file="mail.log", offset=offset, reason="gone"))
    counts.add(before)
    assert (counts.pieces, counts.events, counts.unread, counts.ignored) == (4, 3, {"no time": 2}, {"smtpd": 2})
    assert [one.offset for one in counts.examples] == [one.offset for one in counts.incomplete] == [7, 9]
