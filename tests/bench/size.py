"""How much is measured: all of it in some minutes, or a little of everything in seconds."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.settings import Settings, load
from tests.conftest import Started


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a row may take.

    Attributes:
        is_quick: only to see that it works; its figures say nothing.
    """

    is_quick: bool

    @property
    def rounds(self) -> int:
        """How often each thing is run."""
        return 2 if self.is_quick else 5

    def of(self, full: int, quick: int) -> int:
        """A number of things."""
        return quick if self.is_quick else full


@contextmanager
def stack() -> Iterator[Settings]:
    """A real broker and a real engine of this row's own, without workers."""
    with tempfile.TemporaryDirectory() as folder, Started(Path(folder)):
        yield load(data=Path(folder))
