"""What `custody simulate` says: what was played, and a table of what was found in it, by fault."""

from typing import TYPE_CHECKING, Any, Self

import click

from streams.simulate.faults import DAY

if TYPE_CHECKING:
    from streams.simulate.check import Row, Verdict
    from streams.simulate.stage import Played

SHOWN = 10
"""Findings that are missing, false or wrong, and are shown."""


class Progress:
    """A bar that follows the simulated clock, on a terminal."""

    def __init__(self) -> None:
        """Set up."""
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress as Bars  # noqa: PLC0415

        self._progress = Bars(console=Console(stderr=True), transient=True)
        self._since = 0

    def __enter__(self) -> Self:
        """Show it."""
        self._progress.start()
        self._task = self._progress.add_task("Playing", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._progress.stop()

    def begin(self, played: "Played") -> None:
        """The world is played; what Custody is shown of it follows."""
        world = played.world
        self._since = world.since
        self._progress.update(self._task, description="Telling", total=world.until - world.since)

    def told(self, at: int) -> None:
        """The clock is here."""
        self._progress.update(self._task, completed=at - self._since)


def of_play(played: "Played") -> dict[str, Any]:
    """What was played, in numbers."""
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


def of_verdict(verdict: "Verdict") -> dict[str, Any]:
    """A verdict as data."""
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


def say(data: dict[str, Any], verdict: "Verdict | None", *, err: bool) -> None:
    """Print both; to standard error where standard output may be the events'."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in data["recipients"].items())
    lines = [f"Seed {data['seed']}: {data['acts']:,} acts of {data['hosts']} hosts; for {kinds}"]
    click.echo("\n".join(lines + ([] if verdict is None else _table(verdict))), err=err)


def _table(verdict: "Verdict") -> list[str]:
    head = f"{'':<19}{'planted':>8}{'due':>7}{'found':>7}{'late p50':>9}{'max':>8}{'off':>5}{'false':>7}{'wrong':>7}"
    rows = [
        f"{name:<19}{row.planted:>8,}{row.due:>7,}{row.found:>7,}{_late(row.p50):>9}{_late(row.latest):>8}"
        f"{len(row.off):>5,}{len(row.false):>7,}{len(row.wrong):>7,}"
        for name, row in verdict.rows.items()
    ]
    complaints = [line for name, row in verdict.rows.items() for line in _complaints(name, row)]
    end = "Custody found all of it, and nothing else." if verdict.holds else "Custody and the truth DIFFER."
    taken_back = [f"Raised, and withdrawn when later evidence came: {verdict.withdrawn}."] if verdict.withdrawn else []
    return [head, *rows, *complaints, *taken_back, end]


def _late(micros: int | None) -> str:
    return "" if micros is None else f"{micros // 1_000_000} s"


def _complaints(fault: str, row: "Row") -> list[str]:
    return [
        *(f"  missing  {fault}: {' '.join(one.name)}" for one in row.missing[:SHOWN]),
        *(f"  false    {fault}: {' '.join(name)}: {alert.cause}" for name, alert in row.false[:SHOWN]),
        *(
            f"  wrong    {fault}: {' '.join(one.name)}: {alert.cause}, not {one.cause}"
            for one, alert in row.wrong[:SHOWN]
        ),
        *(
            f"  off      {fault}: {' '.join(one.name)}: by {(alert.raised - one.raised) / 1e6:+.1f} s"
            for one, alert in row.off[:SHOWN]
        ),
    ]
