"""One proof: a world is played, Custody is shown its evidence, and what it found is compared with the truth.

The evidence goes in as events, straight; or as files, through the collectors; or into the ledger of a running stack.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.collect.sources import read
from streams.core.terms import Terms
from streams.simulate import check
from streams.simulate.check import Verdict
from streams.simulate.dossier import Dossier
from streams.simulate.events import events
from streams.simulate.readback import Readback
from streams.simulate.reading import Reading
from streams.simulate.stage import Played
from streams.simulate.tracking import Batches, alerts, log
from streams.simulate.truth import Due, Name, Truth

Told = Callable[[int], None]
Alerts = Iterable[dict[str, Any]]


def _nobody(_at: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Options of a proof.

    Attributes:
        terms: that are in force.
        partitions: of the ledger.
        every: ticks after which its tracker looks for findings.
        told: told how far the simulated clock is.
    """

    terms: Terms
    partitions: int = 4
    every: int = 30
    told: Told = _nobody

    def of(self, played: Played) -> Verdict:
        """Show Custody a world, straight, and judge."""
        reading = Reading(played.world)
        return self.judge(played, reading, self._found(reading, events(reading), whole=False))

    def of_files(self, played: Played, folder: Path) -> Verdict:
        """Show Custody a world through the collectors, and judge.

        Args:
            played: the world.
            folder: that evidence.fill filled with it.
        """
        reading = Reading(played.world)
        batches = Readback(folder, read(folder / "sources.toml")).batches()
        return self.judge(played, reading, self._found(reading, batches, whole=True))

    def due(self, played: Played) -> dict[Name, Due]:
        """What the evidence of a world says is due."""
        return self._truth(played, Reading(played.world)).due()

    def _truth(self, played: Played, reading: Reading) -> Truth:
        return Truth(Dossier(played, reading), self.terms.profile, self.partitions)

    def judge(self, played: Played, reading: Reading, found: Alerts) -> Verdict:
        """Compare what was found with the truth."""
        truth = self._truth(played, reading)
        return check.compare(truth.due(), check.seen(found), check.planted(played), truth.blame)

    def _found(self, reading: Reading, batches: Batches, *, whole: bool) -> Alerts:
        written = log(reading.beats, batches, whole=whole)
        return alerts(written, self.terms, partitions=self.partitions, every=self.every, told=self.told)
