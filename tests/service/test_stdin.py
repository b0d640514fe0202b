"""Evidence from standard input, into a real broker: what a pipe gives is what a file gives."""

import gzip
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.kafka.topics import create
from streams.settings import Settings, load
from tests.service.test_collect import DAY, events

pytestmark = pytest.mark.service

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"


def store() -> bytes:
    """The store's log of the sample day."""
    return lzma.decompress((DAY / "dovecot.log.xz").read_bytes())


def relay() -> bytes:
    """The relay's, packed as logs are."""
    return gzip.compress(lzma.decompress((DAY / "relay.log.xz").read_bytes()))


def mbox() -> bytes:
    """Reports of the sample day in one mailbox."""
    with tarfile.open(next(DAY.glob("reports*"))) as archive:
        held = [archive.extractfile(member) for member in archive.getmembers()[:40] if member.isfile()]
        mails = [one.read() for one in held if one]
    return b"".join(b"From a@b Mon Nov 23 09:00:00 2026\n" + mail.rstrip(b"\n") + b"\n\n" for mail in mails)


def lines() -> bytes:
    """Events as JSON lines."""
    return (EXAMPLES / "events.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("kind", "source", "evidence"),
    [
        ("postfix", "relay-log", relay),
        ("dovecot", "store-log", store),
        ("reports", "reports", mbox),
        ("jsonl", "", lines),
    ],
)
def test_a_pipe_gives_what_a_file_gives(
    stack: Settings, ledger: str, tmp_path: Path, kind: str, source: str, evidence: Callable[[], bytes]
) -> None:
    """The same events by their ids; given once more, no other."""
    path, raw = tmp_path / "evidence", evidence()
    path.write_bytes(raw)
    filed, piped = load(data=stack.data, ledger=f"{ledger}f"), load(data=stack.data, ledger=ledger)
    said = ("--sources", str(DAY / "sources.toml"), "--source", source) if source else ()
    for settings, name, given in ((filed, str(path), b""), (piped, "-", raw), (piped, "-", raw)):
        create(settings)
        command = (sys.executable, "-m", "streams.cli", "collect", kind, name, *said, "--ledger", settings.ledger)
        where = {"CUSTODY_KAFKA_BROKERS": str(settings.kafka_brokers)}
        done = subprocess.run(  # noqa: S603 - ourselves
            (*command, "--data", str(tmp_path / settings.ledger)),
            input=given,
            capture_output=True,
            env=os.environ | where,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert events(settings).keys() == events(filed).keys()
    assert len(events(filed)) > 10
