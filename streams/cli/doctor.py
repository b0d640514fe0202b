"""`custody doctor`: what is wrong with this machine or the services, and what to do."""

import dataclasses
import sys
from pathlib import Path

import click

from streams.cli._screen import clean
from streams.cli._stack import data_options, json_option, say_json, settings_of


@click.command()
@data_options
@click.option("--ledger", help="Ledger whose topics must be there.  [default: main]")
@json_option
def command(*, data: Path | None, file: Path | None, ledger: str | None, as_json: bool) -> None:
    r"""Look at this machine, the broker and the warehouse: a line each, with what to do; ends with 1 if one is not ok.

    \b
    Example: custody doctor
    """
    from streams.cli._checks import examine  # noqa: PLC0415

    findings = []
    for finding in examine(settings_of(data, file, ledger)):
        findings.append(finding)
        if not as_json:
            click.echo(f"{'ok   ' if finding.ok else 'LOOK '} {finding.name:<12} {clean(finding.said)}")
            if not finding.ok:
                click.echo(f"{'':<18} -> {clean(finding.advice)}")
    if as_json:
        say_json([dataclasses.asdict(finding) for finding in findings])
    if not all(finding.ok for finding in findings):
        sys.exit(1)
