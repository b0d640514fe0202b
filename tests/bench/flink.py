"""Flink with its state in memory, the fastest of the peers, on the tracker's own topic and in turns with it.

Its job (flink_job/) joins the earliest time of each kind into its leg: a part of what the tracker knows, and it keeps
none of it. A JDK and Maven build it, which are not among what this repository brings: where they are missing, the
figures of the tracker stand alone.

Both are measured without their start: the tracker from the moment at which its processes have their partitions to
the commit of the last offset with its manifest, Flink from its first event to its last.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from streams.kafka import topics
from streams.settings import Settings
from tests.bench.events import in_orders, journeys, written
from tests.bench.figure import Figure, alternate
from tests.bench.size import Size, stack
from tests.bench.tracker import Taken

_JOB = Path(__file__).parent / "flink_job"
_SCHEMA = Path(__file__).parents[2] / "schemas" / "events" / "message-event.avsc"


def flink(size: Size) -> Iterator[Figure]:
    """Events a second, in both orders: two processes beside two of Flink's tasks."""
    count = size.of(120_000, 2_000)
    with stack() as started, tempfile.TemporaryDirectory() as folder:
        job = _built(Path(folder))
        for name, framed in in_orders(journeys(count)).items():
            settings = written(started, f"flink{name[:4].strip()}", framed, count * 0.001 + 1000)
            ours = partial(Taken(settings, len(framed)).together, 2)
            peers = [partial(_flink, job, settings, len(framed))] if job else []
            mine, *theirs = alternate(size.rounds, ours, *peers)
            yield Figure(
                what=f"two processes, their state kept, {name}", unit="events/s", runs=mine,
                baseline="Flink, two tasks, nothing kept" if job else "", beside=theirs[0] if job else [],
                note="" if job else "no JDK or no Maven here: no baseline",
            )  # fmt: skip


def _built(folder: Path) -> list[str]:
    """The command that runs the job; [] where nothing can build it."""
    maven, java = shutil.which("mvn"), shutil.which("java")
    if not maven or not java or not shutil.which("javac"):
        return []
    job = Path(shutil.copytree(_JOB, folder / "job"))
    build = (maven, "-q", "-B", "compile", "dependency:build-classpath", "-Dmdep.outputFile=classpath")
    subprocess.run(build, cwd=job, check=True, stdout=sys.stderr, timeout=500)  # noqa: S603 - by its path
    return [java, "-Xmx4g", "-cp", f"{job / 'target' / 'classes'}:{(job / 'classpath').read_text()}", "Job"]


def _flink(job: list[str], settings: Settings, events: int) -> float:
    """Events a second, as the job says."""
    broker = str(settings.kafka_client()["bootstrap.servers"])
    topic = topics.topic_name("message-events", settings.ledger)
    command = (*job, broker, topic, str(events), "2", str(_SCHEMA))
    done = subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - ours
    return float(done.stdout.rpartition(b"RATE")[2])
