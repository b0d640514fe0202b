"""`custody simulate`: a network that lies, loses and delays, with the truth beside it."""

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.simulate.faults import DAY, FAULTS, HOW, duration, wishes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.core.events import MessageEvent
    from streams.settings import Settings
    from streams.simulate.check import Row, Verdict
    from streams.simulate.reading import Beat, Reading
    from streams.simulate.stage import Played

PATIENCE = 60
"""Seconds for the workers to tell more of what they found."""

WIDTH = 76
SHOWN = 10
"""Findings that are missing, false or wrong, and are shown."""


def _listed() -> str:
    """The list of faults, for the help."""
    return "\n".join(
        textwrap.fill(f"{fault.name:<19} {fault.what}", WIDTH, subsequent_indent=" " * 20) for fault in FAULTS.values()
    )


@click.command(
    epilog="Faults:\n\n\b\n"
    + _listed()
    + "\n\n\b\nExamples: custody simulate --check\n          custody simulate --messages 500 --check"
    " --fault report-lost=0.01\n          custody simulate --check --fault host-down=hub-east@10:00/20m"
)
@click.option("--seed", default=1, show_default=True, help="The same seed plays the same world.")
@click.option("--messages", default=50_000, show_default=True, help="Messages to submit.", type=click.IntRange(1))
@click.option("--span", default="24h", show_default=True, help="Simulated time in which they are submitted.")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help=f"Plant a fault: {HOW}.  [default: all]")
@click.option("--terms", "named", default="", help="Terms: a shipped profile or a file.  [default: the network's own]")
@click.option("--check", is_flag=True, help="Compare what Custody finds with the truth; exit 1 if they differ.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the evidence as real systems do, into a folder.")
@click.option("--ledger", help="Write the events into an empty ledger of the running stack.")
@data_options
@json_option
def command(  # noqa: PLR0913 - options
    *,
    seed: int,
    messages: int,
    span: str,
    faults: tuple[str, ...],
    named: str,
    check: bool,
    out: Path | None,
    ledger: str | None,
    data: Path | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Play a network of mail systems in which things go wrong, and prove that Custody finds what did.

    With --out, it goes through files and collectors; with --ledger, --check reads what the running workers told.
    """
    from streams.kafka.fetching import uncollected  # noqa: PLC0415 - the broker's client is slow to import
    from streams.simulate.stage import simulate  # noqa: PLC0415

    wanted, length = wishes(faults), duration(span)
    with uncollected(), _Progress() as bar:  # millions of acts, none of them in a circle
        run = _Run(bar, named, check=check)
        played = simulate(seed, messages, span=length, wishes=wanted)
        bar.begin(played)
        settings = None if ledger is None else settings_of(data, file, ledger)
        verdict = run.here(played, out) if settings is None else run.into(settings, played, out)
    told = _played(played) | ({} if verdict is None else _judged(verdict))
    if as_json:
        say_json(told)
    else:
        _say(told, verdict)
    if verdict is not None and not verdict.holds:
        raise click.exceptions.Exit(1)


class _Run:
    """One way for a world's evidence to Custody."""

    def __init__(self, bar: "_Progress", named: str, *, check: bool) -> None:
        from streams.simulate import promises  # noqa: PLC0415
        from streams.simulate.proof import Proof  # noqa: PLC0415

        self.bar, self.check = bar, check
        self.text, self.terms = promises.text(named), promises.terms(named)
        self.proof = Proof(terms=self.terms, told=bar.told)

    def here(self, played: "Played", out: Path | None) -> "Verdict | None":
        """In this process: straight, or through files and collectors."""
        from streams.simulate import evidence  # noqa: PLC0415

        if out is not None:
            evidence.write(played.world, out)
        if not self.check:
            return None
        return self.proof.of(played) if out is None else self.proof.of_files(played, out)

    def into(self, settings: "Settings", played: "Played", out: Path | None) -> "Verdict | None":
        """Into a ledger, where the running workers read it; straight, or through files and collectors."""
        from streams.simulate import ledger  # noqa: PLC0415
        from streams.simulate.reading import Reading  # noqa: PLC0415

        reading = Reading(played.world)
        proof = replace(self.proof, partitions=settings.partitions)
        ledger.prepare(settings, self.text, self.terms)
        ledger.write(settings, _written(played, reading, out), self.terms, self.bar.told)
        if not self.check:
            return None
        return ledger.verdict(settings, lambda found: proof.judge(played, reading, found), PATIENCE)


def _written(played: "Played", reading: "Reading", out: Path | None) -> "Iterator[Sequence[MessageEvent] | Beat]":
    """The log of a world."""
    from streams.collect.sources import read  # noqa: PLC0415
    from streams.simulate import evidence  # noqa: PLC0415
    from streams.simulate.events import events  # noqa: PLC0415
    from streams.simulate.readback import Readback  # noqa: PLC0415
    from streams.simulate.tracking import log  # noqa: PLC0415

    if out is None:
        return log(reading.beats, events(reading))
    evidence.write(played.world, out)
    return log(reading.beats, Readback(out, read(out / evidence.SOURCES)).batches(), whole=True)


class _Progress:
    """A bar that follows the simulated clock, on a terminal."""

    def __init__(self) -> None:
        """Set up."""
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress  # noqa: PLC0415

        self._progress = Progress(console=Console(stderr=True), transient=True)
        self._since = 0

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("Playing", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, played: "Played") -> None:
        """The world is played; what Custody is shown of it follows."""
        world = played.world
        self._since = world.since
        self._progress.update(self._task, description="Tracking", total=world.until - world.since)

    def told(self, at: int) -> None:
        """The clock is here."""
        self._progress.update(self._task, completed=at - self._since)


def _played(played: "Played") -> dict[str, Any]:
    world = played.world
    kinds: dict[str, int] = {}
    for ticket in played.tickets:
        kinds[ticket.kind] = kinds.get(ticket.kind, 0) + 1
    return {
        "seed": world.seed,
        "days": (world.until - world.since) / DAY,
        "acts": len(world.acts),
        "recipients": kinds,
        "hosts": len(world.declaration.hosts),
        "troubles": len(played.planted),
    }


def _judged(verdict: "Verdict") -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "withdrawn": verdict.withdrawn,
        "faults": {name: _row(row) for name, row in verdict.rows.items()},
    }


def _row(row: "Row") -> dict[str, Any]:
    return {
        "planted": row.planted,
        "due": row.due,
        "found": row.found,
        "missing": [one.name for one in row.missing],
        "off": [(one.name, one.raised, alert.raised) for one, alert in row.off],
        "wrong": [(one.name, one.cause, alert.cause) for one, alert in row.wrong],
        "false": [(name, alert.cause) for name, alert in row.false],
        "p50": row.p50,
        "max": row.latest,
    }


def _say(data: dict[str, Any], verdict: "Verdict | None") -> None:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in data["recipients"].items())
    click.echo(f"Seed {data['seed']}: {data['acts']:,} acts of {data['hosts']} hosts; for {kinds}")
    if verdict is None:
        return
    click.echo(
        f"{'':<19}{'planted':>8}{'due':>7}{'found':>7}{'late p50':>9}{'max':>7}{'off':>5}{'false':>7}{'wrong':>7}"
    )
    for name, row in verdict.rows.items():
        click.echo(
            f"{name:<19}{row.planted:>8,}{row.due:>7,}{row.found:>7,}{_late(row.p50):>9}{_late(row.latest):>7}"
            f"{len(row.off):>5,}{len(row.false):>7,}{len(row.wrong):>7,}"
        )
    for name, row in verdict.rows.items():
        _complain(name, row)
    click.echo("Custody found all of it, and nothing else." if verdict.holds else "Custody and the truth DIFFER.")


def _late(micros: int | None) -> str:
    return "" if micros is None else f"{micros // 1_000_000} s"


def _complain(fault: str, row: "Row") -> None:
    for one in row.missing[:SHOWN]:
        click.echo(f"  missing  {fault}: {' '.join(one.name)}")
    for name, alert in row.false[:SHOWN]:
        click.echo(f"  false    {fault}: {' '.join(name)}: {alert.cause}")
    for one, alert in row.wrong[:SHOWN]:
        click.echo(f"  wrong    {fault}: {' '.join(one.name)}: {alert.cause}, not {one.cause}")
    for one, alert in row.off[:SHOWN]:
        click.echo(f"  off      {fault}: {' '.join(one.name)}: by {(alert.raised - one.raised) / 1e6:+.1f} s")
