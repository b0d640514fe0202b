"""Checkpoints: whole or not there, of one collector, and only of the file that was read."""

import gzip
from pathlib import Path

import pytest

from streams.collect import checkpoint
from streams.collect.checkpoint import HEAD, Checkpoint, Place, Trail, mark
from streams.core.errors import Misuse, Unavailable

TEXT = b"".join(b"line %d\n" % number for number in range(1000))


def place(text: bytes) -> Place:
    """The place at the end of a text that was read in pieces."""
    trail = Trail()
    for at in range(0, len(text), 700):
        trail.go_on(text[at : at + 700])
    assert trail.place is not None
    return trail.place


def test_a_checkpoint_is_taken_up_as_it_was_stored(tmp_path: Path) -> None:
    """What is stored is what is loaded."""
    stored = Checkpoint(
        places=(place(TEXT),), known=(mark(b"old"),), mails=b"8 bytes.", through=5, claimed=4, state=b"s"
    )
    checkpoint.save(tmp_path / "deep" / "log.checkpoint", stored)
    assert checkpoint.load(tmp_path / "deep" / "log.checkpoint") == stored
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["log.checkpoint"]


@pytest.mark.usefixtures("generous")
def test_a_checkpoint_is_its_owners(tmp_path: Path) -> None:
    """It holds recipients: no other account reads it, nor the folders that a collector makes, whatever the umask."""
    file, other = tmp_path / "data" / "collect" / "log.checkpoint", tmp_path / "other" / "log.checkpoint"
    with checkpoint.alone(file):
        checkpoint.save(file, Checkpoint())
    checkpoint.save(other, Checkpoint())
    places = [*tmp_path.rglob("*")]
    assert len(places) == 6
    assert [path for path in places if path.stat().st_mode & 0o077] == []


def test_without_a_checkpoint_all_is_read(tmp_path: Path) -> None:
    """No file, no checkpoint."""
    assert checkpoint.load(tmp_path / "log.checkpoint") is None


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\x81\xa7version\x01"], ids=["empty", "foreign", "old"])
def test_a_checkpoint_that_cannot_be_understood_is_told(tmp_path: Path, raw: bytes) -> None:
    """A checkpoint of another version, or a damaged one, stops the collector with what to do."""
    file = tmp_path / "log.checkpoint"
    file.write_bytes(raw)
    with pytest.raises(Misuse, match="checkpoint") as told:
        checkpoint.load(file)
    assert "remove it" in told.value.hint


def test_a_disk_that_takes_nothing_is_waited_for(tmp_path: Path) -> None:
    """A checkpoint that cannot be stored is a service that is away; the one before stays."""
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be stored"):
        checkpoint.save(tmp_path / "file" / "log.checkpoint", Checkpoint())


def test_one_collector_a_source(tmp_path: Path) -> None:
    """A second collector of the same source is refused; after the first has gone, it is welcome."""
    file = tmp_path / "mx1.checkpoint"
    with checkpoint.alone(file), pytest.raises(Misuse, match="mx1 is being collected"), checkpoint.alone(file):
        pass
    with checkpoint.alone(file):
        pass


@pytest.mark.parametrize("length", [1, HEAD - 1, HEAD, HEAD + 1, 5000])
def test_a_text_is_known_whatever_its_name_and_packing(tmp_path: Path, length: int) -> None:
    """A log that grew, was renamed or packed is gone on with where it was left."""
    for name, raw in (("a", TEXT), ("b", TEXT[:length]), ("c.gz", gzip.compress(TEXT))):
        (tmp_path / name).write_bytes(raw)
        found = checkpoint.found(str(tmp_path / name), [place(b"other"), place(TEXT[:length])])
        assert found is not None
        assert (found[0], found[1].offset) == (1, length)
        assert found[1].place == place(TEXT[:length])


def test_another_text_is_not_taken_for_it(tmp_path: Path) -> None:
    """A log that begins alike but went on otherwise, is shorter, or is gone, is read from its beginning."""
    known = place(TEXT[:5000])
    for name, raw in (("a", TEXT[:4000] + b"x" * 4000), ("b", TEXT[:4999]), ("c", b"x" + TEXT), ("d", b"")):
        (tmp_path / name).write_bytes(raw)
        assert checkpoint.found(str(tmp_path / name), [known]) is None
        assert not known.fits(tmp_path / name)
    assert checkpoint.found(str(tmp_path / "none"), [known]) is None


def test_the_farthest_place_counts(tmp_path: Path) -> None:
    """Of two files of which one is the other's beginning, the longer one's place is taken for the longer file."""
    (tmp_path / "a").write_bytes(TEXT)
    found = checkpoint.found(str(tmp_path / "a"), [place(TEXT[:3000]), place(TEXT), place(TEXT[:2000])])
    assert found is not None
    assert found[0] == 1
