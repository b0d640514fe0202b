"""`pytest tests/faults --seed N` runs the one seed that a failure named; `--seeds N` runs so many."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which seeds are run."""
    parser.addoption("--seed", type=int, help="the only seed of the simulated faults that is run")
    parser.addoption("--seeds", type=int, help="how many seeds of the simulated faults are run")
    parser.addoption("--first", type=int, default=0, help="the first of them")


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> range:
    """The seeds that are run."""
    config = request.config
    one = config.getoption("--seed", None)
    if one is not None:
        return range(one, one + 1)
    first = config.getoption("--first", 0)
    return range(first, first + (config.getoption("--seeds", None) or COUNT))


COUNT = 300
"""Seeds that every change is held against."""


@pytest.fixture(scope="package")
def workers() -> Iterator[ProcessPoolExecutor]:
    """A process for each core; none of them needs more than one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLARS_MAX_THREADS", "1")
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
            yield pool
