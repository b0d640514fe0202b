"""`custody reliability`: what part of what was owed came in time, and how sure that is."""

from pathlib import Path
from typing import Any

import click

from streams.cli._grouped import days
from streams.cli._lists import list_options, opened, say, say_list
from streams.cli._screen import WIDTH, clean, flow, moment, priority, resized, width_of, wrapped
from streams.settings import Settings

NARROW = 10
"""Characters of a name that stands before its figures; a longer one stands above them."""

HEADS = (
    f"{'':{NARROW}}       refused                       refused",
    f"{'':{NARROW}}  sent  correctly  owed  in time  late  by us  open  proven in time",
)


@click.command()
@list_options
@click.option(
    "--by", type=click.Choice(["priority", "peer", "domain", "day"]), default="priority", show_default=True,
    help="What the lines stand for.",
)  # fmt: skip
def command(*, data: Path | None, file: Path | None, ledger: str | None, as_json: bool, by: str) -> None:
    r"""Say how reliable the service is: by priority, next party, domains or day.

    \b
    Example: custody reliability --by domain
    """
    settings, warehouse = opened(data, file, ledger, is_long=True)
    clock, rows, proofs = warehouse.clock(), warehouse.reliability(by), warehouse.proofs()
    if as_json:
        say_list(settings, clock, by=by, proofs=proofs, reliability=rows)
    else:
        say([title(settings, clock, warehouse.span(), rows[-1]), *lines(rows, by), "", *foot(rows[-1], proofs)])


def title(settings: Settings, clock: dict[str, Any], span: dict[str, Any], total: dict[str, Any]) -> str:
    """The first line: of which days, and whether the figures can still change."""
    day = days([{"at": at} for at in span.values() if at is not None], "at")
    settled = "settled: nothing not yet due" if total["settled"] else f"{total['not_yet_due']:,} not yet due"
    at = "" if not clock or total["settled"] else f" at {moment(clock['through'])}"
    return flow(["Reliability", f"ledger {settings.ledger}", day, settled + at])


def lines(rows: list[dict[str, Any]], by: str) -> list[str]:
    """The table: a line each, and all."""
    named = [(name(row, by), figures(row)) for row in rows]
    shown = []
    for label, numbers in named:
        narrow = width_of(label) <= NARROW
        shown += [] if narrow else [clean(label, 78)]
        shown.append(f"{resized(label if narrow else '', NARROW)}{numbers}".rstrip())
    return [*HEADS, *shown]


def name(row: dict[str, Any], by: str) -> str:
    """What a line stands for."""
    if "all" in {row.get(by), row.get("originator_domain")} and "recipient_domain" not in row:
        return "all"
    if by == "domain":
        return clean(" to ".join(row[column] or "no domain" for column in ("originator_domain", "recipient_domain")))
    if by == "priority":
        return priority(row["priority"])
    return clean(row[by] or "(none)")


def figures(row: dict[str, Any]) -> str:
    """The numbers of a line; nothing is owed gives no reliability, never 100 %."""
    unseen = row["open"] + row["beyond_sight"] + row["blind"]
    counts = (
        f"{row['sent']:>6,}{row['refused_correctly']:>11,}{row['owed']:>6,}{row['in_time']:>9,}{row['late']:>6,}"
        f"{row['refused_by_us']:>7,}{unseen:>6,}"
    )
    if row["reliability"] is None:
        return f"{counts}     -"
    spread = f"{100 * row['low']:.1f}-{100 * row['high']:.1f}".replace("100.0", "100")
    return f"{counts} {100 * row['reliability']:>5.1f} %  {spread}"


def foot(total: dict[str, Any], proofs: dict[str, int]) -> list[str]:
    """What stands below the table."""
    proven, owed = total["in_time"] + total["late"], total["owed"]
    part = f", {100 * total['delivered']:.1f} %" if total["delivered"] is not None else ""
    words = {"report": "report", "store": "store alone", "switch": "switch's word alone", "hand": "by hand"}
    by = ", ".join(f"{words[proof]} {proofs[proof]:,}" for proof in words if proofs[proof]) or "none"
    delivered, proof = f"Delivered at last {proven:,} of {owed:,}{part}.", f"Proof: {by}."
    together = f"{delivered} {proof}"
    return [
        *([together] if len(together) <= WIDTH else [delivered, *wrapped(proof)]),
        f"Open includes beyond sight {total['beyond_sight']:,}, blind {total['blind']:,}.",
        *wrapped(_reports(total)),
        "Range: 95 % Wilson." + _upper(total),
    ]


def _reports(total: dict[str, Any]) -> str:
    rare = [name for name in ("not_yet_due", "by_hand") if total[f"reports_{name}"]]
    names = ("in_time", "late", "missing", *rare)
    parts = (f"{name.replace('_', ' ')} {total[f'reports_{name}']:,}" for name in names)
    return f"Reports owed {total['reports_owed']:,}: {', '.join(parts)}."


def _upper(total: dict[str, Any]) -> str:
    if total["upper"] is None or total["upper"] == total["reliability"]:
        return ""
    return f" At best {100 * total['upper']:.1f} %, if all that cannot be seen arrived in time."
