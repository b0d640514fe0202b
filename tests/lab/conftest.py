"""One run of the laboratory for all its tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import ROLES
from tests.conftest import Started
from tests.lab import daemons, network
from tests.lab.play import Play, prepared


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """The play at its end, and what Custody says of it."""
    if why := daemons.missing():
        pytest.skip(f"The laboratory {why}.")
    data = tmp_path_factory.mktemp("lab")
    with network.running() as parts, Started(data, CUSTODY_STACK_ROLES=",".join(ROLES)):
        play = prepared(parts, data)
        try:
            play.run()
        finally:
            play.watchers.kill()
            kept(parts.home, data)
        yield play


def kept(home: Path, data: Path) -> None:
    """Keep the logs and the mails beside what pytest keeps."""
    for log in home.glob("*/*.log*"):
        shutil.copy(log, data / f"{log.parent.name}-{log.name}")
