"""How fast a Postfix log becomes events, and gets into Kafka, beside Debian's pflogsumm on the same lines.

- The log is the sample day of three switches, its copies one after the other. Measured are bytes to events in one
  process, the cutting into lines included; pflogsumm only counts. Both in the processor's time, of one core. Measured
  twice: the source as it stands here, and compiled, as the image has it.
- Collecting is `custody collect postfix` as it is: a process from its start to its end, events and evidence
  acknowledged, the checkpoint stored; by the wall's time, and by the processor's.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import process_time

import click

from streams.collect.packed import BLOCK
from streams.collect.reading import Lines
from streams.settings import Settings
from tests.bench import compiled
from tests.bench.figure import Figure, alternate
from tests.bench.size import Size, stack
from tests.collect.postfix_logs import DATA, OBSERVED, day, parser

Work = Callable[[], float]

HOSTS = ("origin", "relay", "dest")
_PEER = "pflogsumm"


def postfix(size: Size) -> Iterator[Figure]:
    """Lines a second of a core, interpreted and (where there is a compiler) compiled."""
    copies, peer = size.of(8, 1), shutil.which(_PEER)
    with tempfile.TemporaryDirectory() as folder:
        works: dict[str, Work] = {"Postfix log to events": partial(parsed, copies)}
        if place := _place(Path(folder)):
            works["the same, compiled"] = partial(_compiled, place, copies)
        peers: list[Work] = [partial(_summed, peer, copies)] if peer else []
        runs = alternate(size.rounds, *works.values(), *peers)
    for what, found in zip(works, runs, strict=False):
        yield Figure(
            what=what, unit="lines/s CPU", runs=found, baseline=_PEER if peer else "",
            beside=runs[-1] if peer else [], note="" if peer else f"{_PEER} is not installed: no baseline",
        )  # fmt: skip


def parsed(copies: int) -> float:
    """Lines a second, each copy read by a new parser."""
    for host in HOSTS:  # what is made once is made
        _read(host)
    read, start = 0, process_time()
    for host in HOSTS:
        for _ in range(copies):
            read += _read(host)
    return read / (process_time() - start)


def _place(folder: Path) -> Path | None:
    """Where the compiled package is; None where there is no compiler, or no index to take mypyc's hook from."""
    try:
        return compiled.built(folder) if compiled.is_possible() else None
    except subprocess.CalledProcessError as error:
        click.echo(f"Not compiled: {error}", err=True)
        return None


def _compiled(place: Path, copies: int) -> float:
    return float(compiled.said(place, f"from tests.bench.postfix import parsed; print(parsed({copies}))"))


def _read(host: str) -> int:
    """Read one host's log; returns its lines."""
    raw, reader = day(host), parser(host)
    lines = Lines(reader.counts, "mail.log")
    for first in range(0, len(raw), BLOCK):
        reader.parse(lines.feed(raw[first : first + BLOCK]), file="mail.log", observed_at=OBSERVED)
    return reader.counts.pieces


def _summed(peer: str, copies: int) -> float:
    """Lines a second of pflogsumm, its start included."""
    raw = b"".join(day(host) for host in HOSTS) * copies * 3
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


def collect(size: Size) -> Iterator[Figure]:
    """Lines a second from a file to acknowledged records and a stored checkpoint, beside the parser alone."""
    copies = size.of(8, 1)
    raw = day("relay") * copies
    lines, spent, numbers = raw.count(b"\n"), list[float](), count()
    with stack() as started, tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "mail.log")
        log.write_bytes(raw)

        def once() -> float:
            seconds, processor = _collected(started, log, f"collect{next(numbers)}")
            spent.append(lines / processor)
            return lines / seconds

        runs, beside = alternate(size.rounds, once, partial(parsed, copies))
    for unit, found in (("lines/s", runs), ("lines/s CPU", spent)):
        yield Figure(
            what="custody collect postfix, into Kafka", unit=unit, runs=found, baseline="the parser alone, of a core",
            beside=beside, note="the process's start and its declaration of the source included",
        )  # fmt: skip


def _collected(stack: Settings, log: Path, ledger: str) -> tuple[float, float]:
    """Seconds of a collector, into a ledger of its own, and of the processor for it."""
    own = (sys.executable, "-m", "streams.cli")
    where = ("--ledger", ledger, "--data", str(stack.data))
    subprocess.run((*own, "topics", "--create", *where), check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
    declared = ("--sources", str(DATA / "day" / "sources.toml"), "--source", "relay-log")
    start, spent = time.perf_counter(), _spent_by_children()
    command = (*own, "collect", "postfix", str(log), *declared, *where, "--json")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ))  # noqa: S603 - ourselves
    return time.perf_counter() - start, _spent_by_children() - spent
