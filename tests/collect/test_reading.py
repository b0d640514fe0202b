"""Reading logs: whatever they are packed in and however they are broken, with everything else read."""

import bz2
import gzip
import io
import lzma
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collect import reading
from streams.collect.checkpoint import Trail
from streams.collect.packed import BLOCK
from streams.collect.parser import EXAMPLES, Counts, Piece
from streams.collect.reading import LINE, Lines

LOG = b"".join(b"Nov 23 22:48:16 mx postfix/qmgr[%d]: removed\n" % number for number in range(30_000))


def read(path: Path, counts: Counts, *, open_end: bool = False) -> list[Piece]:
    """All lines of a file."""
    return [piece for chunk in reading.lines(str(path), counts, open_end=open_end) for piece in chunk]


@pytest.fixture
def counts() -> Counts:
    """What could not be read."""
    return Counts()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress], ids=["plain", "gz", "xz", "bz2"])
def test_packings_are_told_by_their_first_bytes(tmp_path: Path, counts: Counts, pack: type[bytes]) -> None:
    """A log gives the same lines with the same offsets whatever it is packed with and called."""
    file = tmp_path / "mail.log"
    file.write_bytes(pack(LOG))
    pieces = read(file, counts)
    assert b"".join(piece.raw + b"\n" for piece in pieces) == LOG
    assert all(LOG[piece.offset :].startswith(piece.raw + b"\n") for piece in pieces[::5000])
    assert not counts.unread


def test_two_packed_files_in_one(tmp_path: Path, counts: Counts) -> None:
    """Packed files that were put together (as rotation scripts do) are read to the end of the last."""
    file = tmp_path / "mail.log.gz"
    file.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert [piece.raw for piece in read(file, counts)] == [b"one", b"two"]


def test_chunks_are_bounded(tmp_path: Path, counts: Counts) -> None:
    """A log is read in chunks of a few thousand lines, however well it is packed."""
    file = tmp_path / "mail.log.xz"
    file.write_bytes(lzma.compress(LOG * 4, preset=0))
    chunks = list(reading.lines(str(file), counts))
    assert sum(map(len, chunks)) == 120_000
    assert max(chunk[-1].offset - chunk[0].offset for chunk in chunks) < 2 * BLOCK


def test_a_damaged_file_gives_what_comes_before(tmp_path: Path, counts: Counts) -> None:
    """A packed log that is cut off gives the lines before the cut and is counted with its place and reason."""
    file = tmp_path / "mail.log.gz"
    file.write_bytes(gzip.compress(LOG, compresslevel=1)[:-20_000])
    pieces = read(file, counts)
    assert 1000 < len(pieces) < 30_000
    assert counts.unread == {"cannot be read": 1}
    assert counts.examples[0].offset == pieces[-1].offset + len(pieces[-1].raw) + 1
    assert "end-of-stream" in counts.examples[0].reason


def test_a_file_that_vanishes_is_counted(tmp_path: Path, counts: Counts) -> None:
    """A file that is gone when it is to be read is counted, not raised."""
    assert not read(tmp_path / "mail.log", counts)
    assert counts.examples[0].reason == "cannot be read: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_is_not_ours_is_counted(tmp_path: Path, counts: Counts) -> None:
    """A file without permission is counted, not raised."""
    file = tmp_path / "mail.log"
    file.touch(mode=0)
    assert not read(file, counts)
    assert counts.examples[0].reason == "cannot be read: Permission denied"


def test_an_empty_file_is_counted(tmp_path: Path, counts: Counts) -> None:
    """An empty file is told, since it may be a log that was never written."""
    file = tmp_path / "mail.log"
    file.touch()
    assert not read(file, counts)
    assert counts.unread == {"an empty file": 1}


def test_half_a_line_is_not_read(tmp_path: Path, counts: Counts) -> None:
    """A last line without an end is counted: half of it might say something else than the whole."""
    file = tmp_path / "mail.log"
    file.write_bytes(b"whole\nhal")
    assert [piece.raw for piece in read(file, counts)] == [b"whole"]
    assert counts.examples[0].offset == 6
    assert "no end" in counts.examples[0].reason


def test_half_a_line_counts_where_lines_tell_their_end(tmp_path: Path, counts: Counts) -> None:
    """The last line of JSON lines needs no end."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"{}\n{}")
    assert [piece.offset for piece in read(file, counts, open_end=True)] == [0, 3]
    assert not counts.unread


def test_a_log_goes_on_at_its_trail(tmp_path: Path, counts: Counts) -> None:
    """Half a line is read once it is whole, and nothing before it again."""
    file = tmp_path / "mail.log"
    trail = Trail()
    file.write_bytes(b"one\ntw")
    list(reading.lines(str(file), counts, trail=trail))
    file.write_bytes(b"one\ntwo\nthree\n")
    rest = [piece for chunk in reading.lines(str(file), counts, trail=trail) for piece in chunk]
    assert rest == [Piece(offset=4, raw=b"two"), Piece(offset=8, raw=b"three")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, counts: Counts) -> None:
    """Standard input is read as it is, or unpacked."""
    for raw in (LOG, gzip.compress(LOG)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(raw))))
        assert len(read(Path("-"), counts)) == 30_000


def test_folders_are_read_file_by_file(tmp_path: Path) -> None:
    """A folder of logs means every file in it, in the order of their names, but hidden ones."""
    for name in ("b.log", "a.log", ".swap", "old/c.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(Path(name).relative_to(tmp_path)) for name in reading.files(str(tmp_path))] == [
        "a.log",
        "b.log",
        "old/c.log",
    ]


def test_odd_bytes_stay_as_they_are(tmp_path: Path, counts: Counts) -> None:
    """NUL bytes, invalid UTF-8 and carriage returns within a line are the parser's matter; empty lines are none."""
    file = tmp_path / "mail.log"
    file.write_bytes(b"a\0b\xff\n\n\r\nc\rd\r\n")
    assert [piece.raw for piece in read(file, counts)] == [b"a\0b\xff", b"c\rd"]


def test_examples_are_bounded(tmp_path: Path, counts: Counts) -> None:
    """However many files are broken, a few are kept as examples and all are counted."""
    for _ in range(100):
        read(tmp_path / "none", counts)
    assert counts.unread.total() == 100
    assert len(counts.examples) == EXAMPLES


@given(
    lines=st.lists(st.sampled_from([0, 1, 7, 300, LINE - 1, LINE, LINE + 1, 2 * LINE + 3]), min_size=1, max_size=5),
    size=st.sampled_from([1 << 16, 1 << 20, (1 << 20) + 7, 5 << 20]),
)
def test_lines_do_not_depend_on_blocks(lines: list[int], size: int) -> None:
    """However a text is cut into blocks, its lines are the same; the long ones are cut and counted."""
    counts = Counts()
    text = b"".join(bytes([65 + number]) * length + b"\n" for number, length in enumerate(lines))
    splitter = Lines(counts, "log")
    pieces = [piece for at in range(0, len(text), size) for piece in splitter.feed(text[at : at + size])]
    assert [len(piece.raw) for piece in pieces] == [min(length, LINE) for length in lines if length]
    assert all(text[piece.offset :].startswith(piece.raw[:9]) for piece in pieces)
    assert splitter.trail.offset == len(text)
    assert counts.unread.total() == sum(length > LINE for length in lines)
