"""`custody import`: a whole folder of evidence, to its end."""  # noqa: N999 - a command is named as its file

import signal
import sys
from pathlib import Path

import click

from streams.cli._evidence import Bar, as_data, bars, say_all, say_undeclared, warn_of_others, warn_without_points
from streams.cli._stack import data_options, json_option, say_json, settings_of


@click.command()
@click.argument("sources", type=click.Path(path_type=Path))
@data_options
@click.option("--ledger", help="Ledger to write to.  [default: main]")
@click.option("--order", help="Names of sources in the order to read them; the result is the same in any.")
@json_option
def command(
    *, sources: Path, data: Path | None, file: Path | None, ledger: str | None, order: str | None, as_json: bool
) -> None:
    r"""Read all evidence that SOURCES (a sources.toml) declares, in any order, with the same result.

    A path that is not there is refused; what is damaged costs only itself, and the exit code is 1.

    \b
    Example: custody import day/sources.toml
    """
    from streams.collect import importing  # noqa: PLC0415 - the broker's client is slow to import
    from streams.collect.sources import example, read_some  # noqa: PLC0415

    settings = settings_of(data, file, ledger)
    declared = read_some(sources)
    warn_without_points(declared, f"[[submission_points]] in {example()}")
    names = [name.strip() for name in order.split(",")] if order else [source.name for source in declared.sources]
    # As Ctrl-C does: what was declared is taken back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with bars(quiet=as_json) as progress:
        wanted = importing.ordered(declared, names)
        with importing.Import(settings, declared, sources.read_text(encoding="utf-8")) as job:
            for source in wanted:
                bar = Bar(progress, source, job.pieces)
                job.read(source, bar)
                bar.finish()
            through = job.finish()
    if as_json:
        counts = {name: as_data(counts) for name, counts in job.counts.items()}
        say_json({"through": through or None, "sources": counts, "undeclared": job.strangers.said()})
    else:
        say_all(job.counts)
        say_undeclared(job.strangers.said())
    warn_of_others(settings)
    importing.refuse_incomplete(job.counts, job.beyond())
