"""How fast a Postfix log becomes events, in one process, beside Debian's pflogsumm on the same lines.

    python -m tests.bench.postfix

The log is the sample day of three switches, its copies one after the other. Measured are bytes to events, the cutting
into lines included; pflogsumm only counts. Time is that of the processor, of one core. A round measures both, in one
order and then in the other; its ratio is of figures that the same load slowed. Given are the least, the median and the
greatest of all rounds.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time

from streams.collect.packed import BLOCK
from streams.collect.parser import Counts
from streams.collect.reading import Lines
from tests.collect.postfix_logs import OBSERVED, day, parser

COPIES = 8
ROUNDS = 9
HOSTS = ("origin", "relay", "dest")


def run() -> dict[str, float]:
    """Lines and events a second, lines a second of pflogsumm where it is installed, and the ratio, as medians."""
    peer = shutil.which("pflogsumm")
    rounds: dict[str, list[float]] = {}
    _ours()  # what is made once is made
    for number in range(ROUNDS):
        for name, value in _round(peer, peer_first=number % 2 == 1):
            rounds.setdefault(name, []).append(value)
    for name, values in rounds.items():
        least, middle, most = (f"{value:12,.2f}" for value in (min(values), median(values), max(values)))
        print(f"{name:20} least {least}  median {middle}  most {most}")  # noqa: T201
    return {name: median(values) for name, values in rounds.items()}


def _round(peer: str | None, *, peer_first: bool) -> Iterator[tuple[str, float]]:
    theirs = _summed(peer) if peer and peer_first else 0.0
    lines, events = _ours()
    if peer and not peer_first:
        theirs = _summed(peer)
    yield from (("lines/s", lines), ("events/s", events))
    if theirs:
        yield from (("pflogsumm lines/s", theirs), ("ratio", lines / theirs))


def _ours() -> tuple[float, float]:
    """Lines and events a second."""
    counts = Counts()
    start = process_time()
    for host in HOSTS:
        for _ in range(COPIES):
            counts.add(_read(host))
    seconds = process_time() - start
    return counts.pieces / seconds, counts.events / seconds


def _read(host: str) -> Counts:
    """What became of one host's log."""
    raw, reader = day(host), parser(host)
    lines = Lines(reader.counts, "mail.log")
    for first in range(0, len(raw), BLOCK):
        reader.parse(lines.feed(raw[first : first + BLOCK]), file="mail.log", observed_at=OBSERVED)
    return reader.counts


def _summed(peer: str) -> float:
    """Lines a second of pflogsumm, its start included."""
    raw = b"".join(day(host) for host in HOSTS) * COPIES * 3
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "mail.log")
        log.write_bytes(raw)
        command = (peer, r"--syslog-name=postfix-\w+(?:/reinject|/mute)?", str(log))
        start = _spent_by_children()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - found on the path
        return raw.count(b"\n") / (_spent_by_children() - start)


def _spent_by_children() -> float:
    spent = getrusage(RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    run()
