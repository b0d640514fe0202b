"""What the commands that read evidence share: progress on the screen, and what became of the pieces."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from streams.cli._screen import clean, resized, width_of, wrapped
from streams.cli._typed import command
from streams.collect import evidence
from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Counts
from streams.settings import Settings

SHOWN = 5
"""Examples of what could not be read that a person is shown."""

NAME = 12
"""Cells of the column of names at least."""


class Bar:
    """A progress bar over the bytes of a source's files."""

    def __init__(self, progress: Progress | None, source: Source, pieces: Callable[[], int] = lambda: 0) -> None:
        """Make the bar; without a progress nothing is shown.

        Args:
            progress: where it stands.
            source: whose files they are.
            pieces: asked how many lines or mails were read.
        """
        self._progress, self._events, self._pieces = progress, 0, pieces
        self._done: dict[str, int] = {}
        self._task: TaskID | None = None
        if progress is not None:
            total = None if source.live else size_of(source)
            self._task = progress.add_task(clean(source.name), total=total, events=0, rate=0)

    def __call__(self, file: str, done: int, events: int) -> None:
        """Told how many bytes of a file were read, or how many events came of them."""
        if self._progress is None or self._task is None:
            return
        self._events += events
        if done:
            self._done[file] = done
        elapsed = self._progress.tasks[self._task].elapsed or 0
        rate = int(self._pieces() / elapsed) if elapsed else 0
        self._progress.update(self._task, completed=sum(self._done.values()), events=self._events, rate=rate)

    def finish(self) -> None:
        """All was read."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._progress.tasks[self._task].total)


@contextmanager
def bars(*, quiet: bool) -> Iterator[Progress | None]:
    """A set of progress bars on standard error; none where nobody looks."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TextColumn("{task.fields[events]:>9,} events"),
        TextColumn("{task.fields[rate]:>7,}/s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield progress


def size_of(source: Source) -> int:
    """Bytes of a source's files on disk."""
    total = 0
    for file in evidence.files(source):
        with suppress(OSError):
            total += Path(file).stat().st_size
    return total


def said(name: str, counts: Counts, width: int = NAME) -> list[str]:
    """What became of a source's pieces, in lines for people; `width` is that of the first column."""
    lines = [f"{resized(_shown(name), width)} {counts.pieces:>9,} pieces  {counts.events:>9,} events"]
    lines += [line for note in counts.notes for line in wrapped(note, "  ")]
    if counts.ignored:
        parts = ", ".join(f"{clean(program, 40)} {count:,}" for program, count in counts.ignored.most_common(6))
        lines += wrapped(f"carry nothing for custody: {parts}", "  ")
    for reason, count in counts.unread.most_common():
        lines += wrapped(f"NOT UNDERSTOOD {count:,}: {reason}", "  ")
    for example in counts.examples[:SHOWN]:
        lines += wrapped(f"{example.file}:{example.offset}: {example.reason}", "    ")
    return lines


def as_data(counts: Counts) -> dict[str, Any]:
    """The same as data."""
    return {
        "pieces": counts.pieces,
        "events": counts.events,
        "ignored": dict(counts.ignored),
        "unread": dict(counts.unread),
        "examples": [{"file": e.file, "offset": e.offset, "reason": e.reason} for e in counts.examples],
        "incomplete": [{"file": e.file, "offset": e.offset, "reason": e.reason} for e in counts.incomplete],
        "notes": list(counts.notes),
    }


def warn_without_points(declaration: Declaration, hint: str) -> None:
    """Say, to who reads the errors, that a switch's messages are nobody's, where no submission point is declared."""
    if declaration.submission_points or all(one.kind != "postfix" for one in declaration.sources):
        return
    click.echo(f"No submission point is declared, so no message counts as ours: see {hint}.", err=True)


def warn_of_others(settings: Settings) -> None:
    """Say, to who reads the errors, for whose end the ledger's clock still waits, and how to end that."""
    from streams.collect.declaring import unclaimed  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415

    if names := unclaimed(KafkaLog(settings)):
        said = f"The ledger's clock waits for the end of {clean(', '.join(names), 200)}. If nobody reads that any more:"
        click.echo("\n".join([said, *command(" ", settings, "withdraw", named=names)]), err=True)


def say_all(counts: Mapping[str, Counts]) -> None:
    """Print what became of the pieces of each source, in columns."""
    width = max((NAME, *(width_of(_shown(name)) for name in counts)))
    for name, one in counts.items():
        click.echo("\n".join(said(name, one, width)))


def say_undeclared(lines: Sequence[str]) -> None:
    """Print which hosts are not declared, and what to do."""
    for line in lines:
        click.echo("\n" + "\n".join(wrapped(f"Not declared: {line}.")))


def _shown(name: str) -> str:
    return clean(name, 44)
