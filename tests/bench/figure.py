"""A figure: what every run gave, and what the baseline gave beside it, in the same minutes on the same machine."""

import time
from collections.abc import Callable, Sequence

import msgspec

WIDTH = 98
_WHAT, _UNIT, _VALUE = 46, 13, 10


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table.

    Attributes:
        what: was measured.
        unit: of the runs.
        runs: what each run gave; one value where a run says all.
        baseline: what stands beside it; "" for nothing.
        beside: what each of its runs gave.
        note: what else a reader should know.
        spread: the names of the three values.
    """

    what: str
    unit: str
    runs: list[float]
    baseline: str = ""
    beside: list[float] = []
    note: str = ""
    spread: str = ""

    @property
    def ratio(self) -> float | None:
        """Of the runs to the baseline's: the median of the rounds' ratios, since both of a round had the same load."""
        if not self.beside:
            return None
        return median([ours / theirs for ours, theirs in zip(self.runs, self.beside, strict=True)])


def median(values: Sequence[float]) -> float:
    """The middle one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def alternate(rounds: int, *works: Callable[[], float]) -> list[list[float]]:
    """What some works give, run in turn so many times; every other round begins with the last."""
    found: list[list[float]] = [[] for _ in works]
    for number in range(rounds):
        both = list(zip(works, found, strict=True))
        for work, runs in both if number % 2 == 0 else reversed(both):
            runs.append(work())
    return found


def rate(count: int, work: Callable[[], object]) -> tuple[float, float]:
    """How many a second of the processor's time, and of the wall's."""
    wall, spent = time.perf_counter(), time.process_time()
    work()
    return count / (time.process_time() - spent), count / (time.perf_counter() - wall)


def head() -> str:
    """The head of the table in text."""
    names = "".join(f"{name:>{_VALUE}}" for name in ("min", "median", "max"))
    return f"{'what':{_WHAT}}{'unit':{_UNIT}}{names}{'ratio':>9}"


def text(figure: Figure) -> list[str]:
    """A figure as lines of text."""
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}x"
    what = figure.what + (f" ({figure.spread})" if figure.spread else "")
    lines = [f"{what:{_WHAT - 1}} {figure.unit:{_UNIT}}{_cells(figure.runs)}{ratio:>9}"]
    if figure.beside:
        lines.append(f"{'  beside: ' + figure.baseline:{_WHAT + _UNIT}}{_cells(figure.beside)}")
    return [*lines, *([f"  {figure.note}"] if figure.note else [])]


MARKDOWN_HEAD = (
    "| what | unit | min / median / max | baseline | min / median / max | ratio |\n|---|---|---|---|---|---|"
)


def markdown(figure: Figure) -> str:
    """A figure as a row of a table in Markdown."""
    what = ", ".join(part for part in (figure.what, figure.spread, figure.note) if part)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
    spreads = [" / ".join(_values(runs)) if runs else "" for runs in (figure.runs, figure.beside)]
    return f"| {what} | {figure.unit} | {spreads[0]} | {figure.baseline} | {spreads[1]} | {ratio} |"


def _cells(runs: list[float]) -> str:
    values = _values(runs)
    return "".join(f"{value:>{_VALUE}}" for value in (values if len(values) > 1 else ["", *values, ""]))


def _values(runs: list[float]) -> list[str]:
    some = [min(runs), median(runs), max(runs)] if len(runs) > 1 else runs
    return [f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" for value in some]
