"""Reading mails: from a Maildir, a folder, an mbox or a tar."""

import io
import lzma
import tarfile
from pathlib import Path

import pytest

from streams.collect import mails
from streams.collect.parser import Counts, Piece

MAIL = b"From: a@example.org\nMessage-ID: <1@example.org>\n\nbody\n"


@pytest.fixture
def counts() -> Counts:
    """What could not be read."""
    return Counts()


def read(path: Path, counts: Counts) -> list[Piece]:
    """All mails that a path means."""
    return [piece for file in mails.files(str(path)) for chunk in mails.mails(file, counts) for piece in chunk]


def put(path: Path, raw: bytes = MAIL) -> Path:
    """A file with these bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def test_a_maildir_gives_what_was_delivered(tmp_path: Path, counts: Counts) -> None:
    """Mails of `new` and `cur` count, in sub-folders too; what is in `tmp`, and indexes of servers, do not."""
    for name in ("new/1.mx", "cur/2.mx:2,S", ".Reports/cur/3.mx:2,", "tmp/4.mx", "dovecot.index.log", ".hidden"):
        put(tmp_path / name)
    assert [piece.raw for piece in read(tmp_path, counts)] == [MAIL] * 3


def test_a_mail_is_known_through_its_flags(tmp_path: Path) -> None:
    """A mail that was read by its owner since is the same mail; one that was changed is not."""
    new = put(tmp_path / "new" / "1.mx")
    before = mails.known_by(str(new))
    (tmp_path / "cur").mkdir()
    seen = new.rename(tmp_path / "cur" / "1.mx:2,S")
    assert mails.known_by(str(seen)) == before
    put(seen, MAIL + b"more\n")
    assert mails.known_by(str(seen)) != before
    assert mails.known_by("-") == b""


def test_a_folder_of_mails(tmp_path: Path, counts: Counts) -> None:
    """Every file of a folder is a mail, an mbox or a tar."""
    put(tmp_path / "1.eml")
    put(tmp_path / "2.mbox", b"From a Mon Nov 23\n" + MAIL)
    put(tmp_path / "3.eml.xz", lzma.compress(MAIL))
    assert [piece.raw for piece in read(tmp_path, counts)] == [MAIL] * 3


def test_an_mbox(tmp_path: Path, counts: Counts) -> None:
    """An mbox gives each mail at its offset; quoted lines are put right, a "From " within a paragraph stays."""
    first = b"Subject: 1\n\n>From the start\n>>From twice\nwhere\nFrom here on\n"
    file = put(tmp_path / "mbox", b"From a Mon Nov 23\n" + first + b"\nFrom b Tue Nov 24\nSubject: 2\n\nend\n")
    pieces = read(file, counts)
    assert [piece.raw for piece in pieces] == [
        b"Subject: 1\n\nFrom the start\n>From twice\nwhere\nFrom here on\n",
        b"Subject: 2\n\nend\n",
    ]
    assert file.read_bytes()[pieces[1].offset :].startswith(b"From b Tue")


def test_a_tar(tmp_path: Path, counts: Counts) -> None:
    """A packed tar gives each mail with its number."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number in range(450):
            member = tarfile.TarInfo(f"reports/{number}.eml")
            member.size = len(MAIL)
            archive.addfile(member, io.BytesIO(MAIL))
    file = put(tmp_path / "reports.tar.xz", lzma.compress(out.getvalue()))
    chunks = list(mails.mails(str(file), counts))
    assert [len(chunk) for chunk in chunks] == [200, 200, 50]
    assert [piece.offset for chunk in chunks for piece in chunk] == list(range(450))


def test_a_broken_tar_gives_what_comes_before(tmp_path: Path, counts: Counts) -> None:
    """A tar that is cut off gives the mails before the cut and is counted."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number in range(3):
            member = tarfile.TarInfo(f"{number}.eml")
            member.size = 5000
            archive.addfile(member, io.BytesIO(b"x" * 5000))
    file = put(tmp_path / "reports.tar", out.getvalue()[:9000])
    assert len(read(file, counts)) == 1
    assert counts.unread.total() == 1


def test_a_mail_that_is_too_long_is_cut(tmp_path: Path, counts: Counts) -> None:
    """Of a huge mail the beginning is read; it is counted."""
    file = put(tmp_path / "1.eml", MAIL + b"x" * mails.MAIL)
    assert len(read(file, counts)[0].raw) == mails.MAIL
    assert "too long" in counts.examples[0].reason


def test_one_broken_mail_costs_nothing_else(tmp_path: Path, counts: Counts) -> None:
    """An empty mail, and one that vanishes, are counted with their names; the others are read."""
    put(tmp_path / "1.eml", b"")
    put(tmp_path / "2.eml")
    gone = put(tmp_path / "3.eml")
    files = mails.files(str(tmp_path))
    gone.unlink()
    found = [piece.raw for file in files for chunk in mails.mails(file, counts) for piece in chunk]
    assert found == [MAIL]
    assert [Path(example.file).name for example in counts.examples] == ["1.eml", "3.eml"]
