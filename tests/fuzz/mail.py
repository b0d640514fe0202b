"""Mails as targets: what came back to originators, the files that hold mails, and whatever files are packed with."""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streams.collect import checkpoint, mails, reading
from streams.collect.declaration import Source
from streams.collect.kinds import KINDS
from streams.collect.parser import Counts, Piece
from streams.core.errors import Misuse
from tests.fuzz import seeds
from tests.fuzz.logs import DECLARED, checked
from tests.fuzz.target import Target


def _report(data: bytes) -> None:
    source = Source(name="mail", kind="reports")
    checked(lambda: KINDS["reports"].make(source, DECLARED), [Piece(offset=0, raw=data)] if data else [], len(data))


@contextmanager
def _file(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        yield path


def _mails(data: bytes) -> None:
    """An mbox, a tar, or one mail: all that is given was there, and what could not be read is counted."""
    counts, size = Counts(), 0
    with _file(data) as path:
        for chunk in mails.mails(str(path), counts):
            size += sum(len(piece.raw) for piece in chunk)
            assert all(len(piece.raw) <= mails.MAIL for piece in chunk)
    assert size or counts.unread


def _packed(data: bytes) -> None:
    """A log that may be packed and damaged."""
    counts, pieces = Counts(), 0
    with _file(data) as path:
        for chunk in reading.lines(str(path), counts):
            pieces += len(chunk)
            assert all(len(piece.raw) <= reading.LINE for piece in chunk)
    assert pieces or counts.unread or not data.strip(b"\r\n")


def _checkpoint(data: bytes) -> None:
    """A checkpoint is understood or refused, and so is a parser's memory within it."""
    with _file(data) as path, suppress(Misuse):
        checkpoint.load(path)
    for kind in ("postfix", "dovecot"):
        parser = KINDS[kind].make(Source(name="log", kind=kind, host="origin"), DECLARED)
        with suppress(Misuse):
            parser.restore(data)


def _checkpoints() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        checkpoint.save(path, checkpoint.Checkpoint(mails=b"12345678", through=9, state=b"x"))
        found = [path.read_bytes()]
    for kind, log in (("postfix", seeds.logs("postfix")[0]), ("dovecot", seeds.logs("dovecot")[0])):
        parser = KINDS[kind].make(Source(name="log", kind=kind, host="origin"), DECLARED)
        list(parser.parse([Piece(offset=0, raw=line) for line in log.splitlines()], file="log", observed_at=0))
        found.append(parser.state())
    return found


def _tar(form: int, **headers: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for number, mail in enumerate(seeds.mails()[:3]):
            member = tarfile.TarInfo(f"new/{number}" + "x" * 120 * number)
            member.size, member.pax_headers = len(mail), headers
            archive.addfile(member, io.BytesIO(mail))
    return out.getvalue()


def _boxes() -> list[bytes]:
    mbox = b"".join(b"From a@b Mon Nov 23 09:00:00 2026\n" + mail + b"\n\n" for mail in seeds.mails()[:3])
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x", "GNU.sparse.realsize": "9"}
    old = {"GNU.sparse.map": "0,1,5,1", "GNU.sparse.size": "9"}
    tars = [_tar(tarfile.PAX_FORMAT, comment="x"), _tar(tarfile.GNU_FORMAT)]
    return [mbox, *tars, _tar(tarfile.PAX_FORMAT, **sparse), _tar(tarfile.PAX_FORMAT, **old), *seeds.mails()[:3]]


_PACKERS: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, lzma.compress, bz2.compress)


def _archives() -> list[bytes]:
    log = b"".join(seeds.logs("postfix")[:2])
    return [pack(text) for pack in _PACKERS for text in (log, b"", log * 9)] + [log]


TARGETS = (
    Target(
        name="reports",
        run=_report,
        seeds=lambda: [*seeds.mails()],
        words=(
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n", b"--x\n", b"--x--\n",
            b"Content-Type: message/delivery-status\n\n", b"Final-Recipient: rfc822; a@b\n", b"Action: failed\n",
            b"Reporting-MTA: dns; origin\n", b"X-Postfix-Queue-ID: 4dF1234567zABCD\n", b"Message-ID: <a@b>\n",
            b"Received: by origin with id 4dF1234567zABCD; Mon, 23 Nov 2026 09:00:00 +0000\n", b"Status: 5.1.1\n",
            b"Content-Transfer-Encoding: base64\n", b"Disposition: manual-action/x; displayed\n", b"Hi. This is the ",
            b"------ This is a copy", b"X-Failed-Recipients: a@b\n", b"\n\n", b"\n ", b"boundary=",
        ),
    ),
    Target(name="mails", run=_mails, seeds=_boxes, words=(b"From ", b"\n\nFrom ", b">From ", b"ustar", b"GNU.sparse")),
    Target(name="packed", run=_packed, seeds=_archives, words=(b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"1AY&SY")),
    Target(name="checkpoint", run=_checkpoint, seeds=_checkpoints, words=(b"\x81\xa1\xff\x01", b"\xdd\xff\xff\xff")),
)  # fmt: skip
