"""All benches, one table: `python -m tests.bench [ROW...] [--quick] [--markdown]`.

Each row runs in a process of its own, with a broker and an engine of its own where it needs them; a row that fails says
so, and the others go on.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import msgspec

from streams.process import MODEST
from tests.bench import figure, machine
from tests.bench.figure import Figure
from tests.bench.row import ROWS

PATIENCE = 600
"""Seconds that a row may take."""

_ENVIRONMENT = {**os.environ, **MODEST}
"""As a worker has it."""


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(sorted(ROWS)))
@click.option("--quick", is_flag=True, help="Small sizes and two rounds: that it works, not how fast it is.")
@click.option("--markdown", is_flag=True, help="As a table in Markdown.")
def main(*, rows: tuple[str, ...], quick: bool, markdown: bool) -> None:
    """Measure ROWS, or all."""
    head = figure.MARKDOWN_HEAD if markdown else figure.head() + "\n" + "-" * figure.WIDTH
    click.echo("\n".join((*machine.named(), *(["QUICK: figures say nothing"] if quick else []), "", head)))
    failed = False
    for name in rows or ROWS:
        for found in _figures(name, quick=quick):
            failed |= isinstance(found, str)
            click.echo(_said(found, markdown=markdown))
            sys.stdout.flush()
    sys.exit(failed)


def _said(found: Figure | str, *, markdown: bool) -> str:
    if isinstance(found, str):
        return f"| {found} | | | | | |" if markdown else found
    return figure.markdown(found) if markdown else "\n".join(figure.text(found))


def _figures(name: str, *, quick: bool) -> Iterator[Figure | str]:
    """The figures of a row as they come, and that it failed."""
    command = (sys.executable, "-m", "tests.bench.row", name, *(["--quick"] if quick else []))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, env=_ENVIRONMENT)  # noqa: S603 - ourselves
    try:
        assert process.stdout
        for line in process.stdout:
            yield msgspec.json.decode(line, type=Figure)
        code = process.wait(PATIENCE)
    finally:
        process.kill()
    if code:
        yield f"{name}: FAILED, exit code {code}; the reason is above, on standard error"


if __name__ == "__main__":
    main()
