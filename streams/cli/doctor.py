"""`custody doctor`: what is wrong with this machine or the services, and what to do."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.advice import START
from streams.cli._screen import clean, wrapped
from streams.cli._stack import data_options, json_option, say_json, settings_of

if TYPE_CHECKING:
    from streams.cli._checks import Finding

_TYPED = (START, "chmod ")
"""In advice that is a command with a path of ours."""

_SAID, _ADVICE = " " * 19, " " * 22
"""Before the lines after the first."""


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
            click.echo("\n".join(shown(finding)))
    if as_json:
        say_json([dataclasses.asdict(finding) for finding in findings])
    if not all(finding.ok for finding in findings):
        sys.exit(1)


def shown(finding: "Finding") -> list[str]:
    """A finding and its advice for a terminal.

    A command stands whole, as it does behind an error: half of it, pasted, would start another stack.
    """
    lines = wrapped(f"{'ok   ' if finding.ok else 'LOOK '} {finding.name:<12} {finding.said}", more=_SAID)
    if finding.ok:
        return lines
    advice = f"{_SAID}-> {clean(finding.advice)}"
    is_typed = any(word in advice for word in _TYPED)
    return [*lines, *([advice] if is_typed else wrapped(advice, more=_ADVICE))]
