"""One proof: a world is played, Custody is shown its evidence, and what it found is compared with the truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.core.terms import Terms
from streams.simulate import check
from streams.simulate.check import Verdict
from streams.simulate.dossier import Dossier
from streams.simulate.faults import USUAL, Wish
from streams.simulate.reading import Reading
from streams.simulate.stage import BEGIN, DAY, Played, simulate
from streams.simulate.tracking import alerts
from streams.simulate.truth import Truth

Told = Callable[[int], None]


def _nobody(_at: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Options of a proof in process.

    Attributes:
        terms: that are in force.
        partitions: of the ledger.
        every: ticks after which the tracker looks for findings.
        told: told how far the simulated clock is.
    """

    terms: Terms
    partitions: int = 4
    every: int = 30
    told: Told = _nobody

    def of(self, played: Played) -> Verdict:
        """Show Custody a world, and judge."""
        reading = Reading(played.world)
        truth = Truth(Dossier(played, reading), self.terms.profile)
        due = truth.due()
        found = alerts(reading, self.terms, partitions=self.partitions, every=self.every, told=self.told)
        return check.compare(due, check.seen(found), check.planted(played), truth.blame)

    def run(
        self, seed: int, messages: int, *, span: int = DAY, since: int = BEGIN, wishes: Sequence[Wish] = USUAL
    ) -> Verdict:
        """Play the world of a seed, and prove it."""
        return self.of(simulate(seed, messages, span=span, since=since, wishes=wishes))
