"""One row of the table: `python -m tests.bench.row ROW [--quick]` prints its figures as JSON lines."""

import faulthandler
import importlib
import sys
from collections.abc import Callable, Iterator

import click
import msgspec

from streams.process import prepare
from tests.bench.figure import Figure
from tests.bench.size import Size

PATIENCE = 570
"""Seconds after which a row is given up, with a word on where it hung."""

ROWS = {
    "encode": "codec",
    "columns": "codec",
    "fold": "fold",
    "tracker": "tracker",
    "flink": "flink",
    "growth": "growth",
    "feed": "feed",
    "latency": "latency",
    "recovery": "recovery",
    "kill": "recovery",
    "replay": "replay",
    "postfix": "postfix",
    "collect": "postfix",
    "trace": "questions",
}
"""Where each is: a function of that name."""


@click.command()
@click.argument("name", type=click.Choice(sorted(ROWS)))
@click.option("--quick", is_flag=True)
def main(*, name: str, quick: bool) -> None:
    """Measure one row."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    prepare()
    work: Callable[[Size], Iterator[Figure]] = getattr(importlib.import_module(f"tests.bench.{ROWS[name]}"), name)
    for figure in work(Size(is_quick=quick)):
        sys.stdout.buffer.write(msgspec.json.encode(figure) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
