"""How fast a Postfix log becomes events, in one process, beside Debian's pflogsumm on the same lines.

    python -m tests.bench.postfix

The log is the sample day of three switches, its copies one after the other. Measured are bytes to events, the cutting
into lines included; pflogsumm only counts. Time is that of the processor, of one core, and the best of some rounds is
given: other work on the machine only slows.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import process_time

from tests.collect.postfix_logs import OBSERVED, day, parser, pieces

COPIES = 8
ROUNDS = 7
CHUNK = 5_000
"""Lines given to the parser at a time."""

HOSTS = ("origin", "relay", "dest")


def run() -> dict[str, float]:
    """Lines and events a second, and lines a second of pflogsumm where it is installed."""
    results = {f"{host} lines/s": 0.0 for host in HOSTS}
    totals = {"lines/s": 0.0, "events/s": 0.0}
    for _ in range(ROUNDS):
        taken, lines, events = 0.0, 0, 0
        for host in HOSTS:
            seconds, read, told = _parse(host)
            results[f"{host} lines/s"] = max(results[f"{host} lines/s"], read / seconds)
            taken, lines, events = taken + seconds, lines + read, events + told
        totals["lines/s"] = max(totals["lines/s"], lines / taken)
        totals["events/s"] = max(totals["events/s"], events / taken)
    results |= totals
    peer = shutil.which("pflogsumm")
    if peer:
        results["pflogsumm lines/s"] = max(_summed(peer) for _ in range(ROUNDS))
        results["ratio"] = results["lines/s"] / results["pflogsumm lines/s"]
    for name, value in results.items():
        print(f"{name:20} {value:12,.2f}" if name == "ratio" else f"{name:20} {value:12,.0f}")  # noqa: T201
    return results


def _parse(host: str) -> tuple[float, int, int]:
    """Seconds, lines and events of one host's log, its copies read by a new parser each."""
    raw, read, told = day(host), 0, 0
    start = process_time()
    for _ in range(COPIES):
        reader = parser(host)
        lines = pieces(raw)
        for first in range(0, len(lines), CHUNK):
            told += len(reader.parse(lines[first : first + CHUNK], file="mail.log", observed_at=OBSERVED))
        read += len(lines)
    return process_time() - start, read, told


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
