"""`custody simulate`: a network that lies, loses and delays, with the truth beside it."""

import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from streams import advice
from streams.cli._moments import micros_of
from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.cli._verdict import Progress, of_play, of_verdict, say
from streams.core.errors import Misuse, Unavailable
from streams.simulate.faults import DAY, FAULTS, HOW, duration, wishes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.core.events import MessageEvent
    from streams.settings import Settings
    from streams.simulate.check import Verdict
    from streams.simulate.pace import Pace
    from streams.simulate.reading import Beat, Reading
    from streams.simulate.stage import Played

PATIENCE = 60
"""Seconds for the workers to tell more of what they found."""

STARTS, POLL = 20, 0.5
"""Seconds for a tracker to start, and between two looks."""

NOW = "now"
EARLIEST, LATEST = micros_of("1990-01-01T00:00:00Z"), micros_of("2200-01-01T00:00:00Z")
LONGEST = 31 * DAY

WIDTH = 76
EXAMPLES = """
Is all of it found? A day of 50,000 messages (a minute), or a small one:
  custody simulate --check
  custody simulate --messages 500 --check --fault report-lost=0.01
One host down at ten:
  custody simulate --check --fault host-down=hub-east@10:00/20m
Evidence as files, the truth beside it in drill/truth.json, then read in:
  custody simulate --messages 500 --out drill
  custody up --detach --data drill.d
  custody import drill/sources.toml --data drill.d
An hour in a minute, in files that grow as they are followed:
  custody simulate --messages 300 --span 1h --speed 60 --out live
An hour in a minute, as events to standard output:
  custody simulate --messages 300 --span 1h --speed 60 --events -
As it happens, from now on, for an hour and until all has settled:
  custody simulate --messages 300 --span 1h --begin now --speed 1 --out now
An hour in a minute against the workers of a running stack, in another ledger:
  custody down --data drill.d
  custody up --detach --data drill.d --ledger drill
  custody simulate --messages 300 --span 1h --speed 60 --check \\
      --data drill.d --ledger drill
"""


def _listed() -> str:
    """The list of faults, for the help."""
    return "\n".join(
        textwrap.fill(f"{fault.name:<19} {fault.what}", WIDTH, subsequent_indent=" " * 20) for fault in FAULTS.values()
    )


@click.command(epilog=f"Faults:\n\n\b\n{_listed()}\n\nExamples:\n\n\b{EXAMPLES}")
@click.option("--seed", default=1, show_default=True, help="The same seed plays the same world.")
@click.option("--messages", default=50_000, show_default=True, help="Messages to submit.", type=click.IntRange(1))
@click.option("--span", default="24h", show_default=True, help="Simulated time in which they are submitted.")
@click.option(
    "--begin",
    default="2026-11-23T00:00:00Z",
    show_default=True,
    help="Of the span: a time, or now (and then no time is skipped).",
)
@click.option("--speed", type=click.FloatRange(0, min_open=True), help="Simulated seconds a second, in the span; what settles after it is told at once.  [default: all at once]")  # fmt: skip  # noqa: E501
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help=f"Plant a fault: {HOW}.  [default: all]")
@click.option("--terms", "named", default="", help="Terms: a shipped profile or a file.  [default: the network's own]")
@click.option("--check", is_flag=True, help="Compare what Custody finds with the truth; exit 1 if they differ.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the evidence as real systems do into a new folder, and truth.json.")  # fmt: skip  # noqa: E501
@click.option("--events", type=click.File("wb"), help="Write the events as JSON lines; - is standard output.")
@click.option("--ledger", help="Write the events into an empty ledger of the running stack.")
@data_options
@json_option
def command(*, data: Path | None, file: Path | None, ledger: str | None, as_json: bool, **wanted: Any) -> None:
    """Play a network of mail systems in which things go wrong, and prove that Custody finds what did.

    With --out, it goes through files and collectors; with --ledger, --check reads what the running workers told.
    """
    from streams.kafka.fetching import uncollected  # noqa: PLC0415 - the broker's client is slow to import

    asked = _Wanted(**wanted)
    _refuse(asked, ledger)
    with uncollected(), Progress() as bar:  # millions of acts, none of them in a circle
        run = _Run(bar, asked)
        verdict = run.here() if ledger is None else run.into(settings_of(data, file, ledger))
    told = of_play(run.played) | ({} if verdict is None else of_verdict(verdict))
    if as_json:
        say_json(told)
    else:
        say(told, verdict, err=asked.events is not None)
    if verdict is not None and not verdict.holds:
        raise click.exceptions.Exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What was asked for, as it was typed."""

    seed: int
    messages: int
    span: str
    begin: str
    speed: float | None
    faults: tuple[str, ...]
    named: str
    check: bool
    out: Path | None
    events: IO[bytes] | None

    def play(self) -> "Played":
        """The world."""
        from streams.simulate.stage import simulate  # noqa: PLC0415

        since = time.time_ns() // 1000 if self.begin == NOW else micros_of(self.begin)
        planned, span = wishes(self.faults), duration(self.span)
        if not 0 < span <= LONGEST:
            raise Misuse(f"A span of {self.span} cannot be played.", hint="write --span 1h, 31 days at most: 744h")
        if not EARLIEST <= since < LATEST:
            raise Misuse(f"Nothing begins {self.begin}.", hint="say a time from 1990 to 2200, or now")
        return simulate(self.seed, self.messages, span=span, since=since, wishes=planned)


def _refuse(asked: _Wanted, ledger: str | None) -> None:
    """What does not go together."""
    ways = [name for name, way in (("--out", asked.out), ("--ledger", ledger), ("--events", asked.events)) if way]
    if asked.speed and not ways:
        raise Misuse("--speed: nothing is told.", hint="say where to: --out DIR, --events FILE or --ledger NAME")
    if asked.events and len(ways) > 1:
        raise Misuse(f"{' and '.join(ways)} do not go together.", hint="one world can be played twice: it is the same")


def _await_tracker(settings: "Settings") -> None:
    """Wait until somebody reads the ledger: what nobody looks for is not found.

    Raises:
        Unavailable: nobody does.
    """
    from streams.kafka.lag import is_tracked  # noqa: PLC0415

    deadline = time.monotonic() + STARTS
    while time.monotonic() < deadline:
        if is_tracked(settings, STARTS):
            return
        time.sleep(POLL)
    raise Unavailable(
        f"No tracker reads the ledger {settings.ledger}.",
        hint=f"start one: {' '.join(advice.words(settings, 'worker', '--roles', 'track'))}",
    )


class _Run:
    """One way for a world's evidence to Custody."""

    def __init__(self, bar: Progress, asked: _Wanted) -> None:
        from streams.simulate import promises  # noqa: PLC0415
        from streams.simulate.proof import Proof  # noqa: PLC0415

        self.bar, self.asked = bar, asked
        self.text, self.terms = promises.text(asked.named), promises.terms(asked.named)
        self.proof = Proof(terms=self.terms, told=bar.told)
        self.played = asked.play()
        bar.begin(self.played)

    def pace(self) -> "Pace":
        """The pace that was asked for."""
        from streams.simulate.pace import Pace  # noqa: PLC0415

        world = self.played.world
        until = world.until if self.asked.begin == NOW else world.since + duration(self.asked.span)
        return Pace(speed=self.asked.speed or 0, since=world.since, until=until, told=self.bar.told)

    def here(self) -> "Verdict | None":
        """In this process: straight, or through files and collectors."""
        out = self.asked.out
        if out is not None:
            self.write(out, self.pace() if self.asked.speed else None)
        if self.asked.events is not None:
            self.tell(self.asked.events)
        if not self.asked.check:
            return None
        return self.proof.of(self.played) if out is None else self.proof.of_files(self.played, out)

    def write(self, out: Path, pace: "Pace | None") -> None:
        """The evidence as files, and the truth beside it."""
        from streams.simulate import account, evidence  # noqa: PLC0415

        evidence.make(out)
        account.write(out / account.TRUTH, self.played, self.proof.due(self.played))
        evidence.fill(self.played.world, out, pace=pace)

    def tell(self, lines: IO[bytes]) -> None:
        """The events as JSON lines."""
        from streams.simulate import jsonlines  # noqa: PLC0415
        from streams.simulate.events import events  # noqa: PLC0415
        from streams.simulate.reading import Reading  # noqa: PLC0415

        jsonlines.write(events(Reading(self.played.world)), lines, self.pace().wait)

    def into(self, settings: "Settings") -> "Verdict | None":
        """Into a ledger, where the running workers read it; straight, or through files and collectors."""
        from streams.simulate import ledger  # noqa: PLC0415
        from streams.simulate.reading import Reading  # noqa: PLC0415

        reading = Reading(self.played.world)
        proof = replace(self.proof, partitions=settings.partitions)
        ledger.prepare(settings, self.text, self.terms)
        if self.asked.check:
            _await_tracker(settings)
        ledger.write(settings, self._written(reading), self.terms, self.bar.told)
        if not self.asked.check:
            return None
        return ledger.verdict(settings, lambda found: proof.judge(self.played, reading, found), PATIENCE)

    def _written(self, reading: "Reading") -> "Iterator[Sequence[MessageEvent] | Beat]":
        """The log of the world."""
        from streams.collect.sources import read  # noqa: PLC0415
        from streams.simulate import evidence  # noqa: PLC0415
        from streams.simulate.events import events  # noqa: PLC0415
        from streams.simulate.readback import Readback  # noqa: PLC0415
        from streams.simulate.tracking import log  # noqa: PLC0415

        out, wait = self.asked.out, self.pace().wait
        if out is None:
            return log(reading.beats, events(reading), wait=wait)
        self.write(out, None)
        return log(reading.beats, Readback(out, read(out / evidence.SOURCES)).batches(), whole=True, wait=wait)
