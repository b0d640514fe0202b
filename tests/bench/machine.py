"""The machine on which it was measured, in two lines."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from streams.local import jars


def named() -> list[str]:
    """Processor, memory and system; then the versions that matter."""
    memory = psutil.virtual_memory().total / 2**30
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in ("chdb", "polars", "numpy", "confluent-kafka"))
    return [
        f"{_model()}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}, load {load}",
        f"Python {platform.python_version()}, Kafka {_kafka()}, {packages}",
    ]


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _kafka() -> str:
    return next(coordinate.rpartition(":")[2] for coordinate in _pinned() if ":kafka-clients:" in coordinate)


def _pinned() -> list[str]:
    return [jar.coordinate for jar in jars.pinned()]
