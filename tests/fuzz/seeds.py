"""What mutation begins with: pieces of the test data, small enough to be read thousands of times."""

import io
import json
import lzma
import tarfile
from functools import cache
from importlib.resources import files
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"

LINES = 24
"""Lines of one seed of a log."""


@cache
def logs(folder: str, name: str = "*.log.xz", most: int = 40) -> tuple[bytes, ...]:
    """Windows of consecutive lines of the logs of a folder."""
    found = []
    for path in sorted((DATA / folder).glob(name)):
        lines = lzma.decompress(path.read_bytes()).splitlines(keepends=True)
        found += [b"".join(lines[at : at + LINES]) for at in range(0, len(lines), LINES)]
    return tuple(found[:: max(1, len(found) // most)])


@cache
def mails(most: int = 40) -> tuple[bytes, ...]:
    """Mails of the test data: reports, receipts, bounces and others."""
    found = []
    for path in (DATA / "reports" / "cases.tar.xz", DATA / "day" / "reports.tar.xz"):
        with tarfile.open(fileobj=io.BytesIO(lzma.decompress(path.read_bytes()))) as archive:
            members = [member for member in archive if member.isfile()][:most]
            found += [archive.extractfile(member).read() for member in members]  # type: ignore[union-attr]
    return tuple(mail for mail in found if len(mail) < 16_384)


@cache
def lines() -> tuple[bytes, ...]:
    """Events as JSON lines."""
    return tuple((files("schemas") / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True))


def example(name: str) -> dict[str, object]:
    """The packaged example of a schema."""
    document: dict[str, object] = json.loads((files("schemas") / "examples" / f"{name}.json").read_bytes())
    return document


def text(*path: str) -> bytes:
    """A packaged file."""
    return files("schemas").joinpath(*path).read_bytes()
