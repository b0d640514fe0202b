"""Values of a column at some rows, as texts, numbers or notes; None becomes a default.

Of many they are asked of polars. Of few they are taken as Python's own: a query costs more than that work, and most
batches of a quiet ledger are few. Both ways say the same.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from streams.core import arrow
from streams.core.index import Rows

FEW = 256
"""A column that is longer is not made a list of."""


def series(values: pl.Series, rows: Rows) -> pl.Series:
    """The texts at some rows; None becomes ""."""
    return filled(values[rows]) if len(values) > FEW else _series(_texts(values, rows))


def texts(values: pl.Series, rows: Rows) -> list[str]:
    """The same as a list."""
    return filled(values[rows]).to_list() if len(values) > FEW else _texts(values, rows)


def filled(values: pl.Series) -> pl.Series:
    """All texts; None becomes ""."""
    if not values.null_count():
        return values
    return values.fill_null("") if len(values) > FEW else _series(["" if one is None else one for one in values])


def equal(values: pl.Series, value: str) -> NDArray[np.bool_]:
    """Where a text is this one."""
    if len(values) > FEW:
        return (values == value).to_numpy()
    return np.array([one == value for one in values.to_list()], np.bool_)


def numbers(values: pl.Series, rows: Rows, default: int) -> NDArray[np.int64]:
    """The integers at some rows."""
    if len(values) > FEW:
        return arrow.numbers(values[rows].cast(pl.Int64).to_arrow(), default)
    return np.array([default if one is None else one for one in listed(values, rows)], np.int64)


def listed(values: pl.Series, rows: Rows) -> list[Any]:
    """The values at some rows, None as it is."""
    if len(values) > FEW:
        return values[rows].to_list()
    held = values.to_list()
    return [held[row] for row in rows.tolist()]


def notes(values: pl.Series, rows: Rows, name: str, default: str) -> list[str]:
    """What the note `name` says at some rows of a column of notes."""
    start = f"{name}="
    if len(values) <= FEW:
        told = (
            (one.removeprefix(start) for one in said or () if one.startswith(start)) for said in listed(values, rows)
        )
        return [next(one, default) for one in told]
    said = values[rows].list.eval(pl.element().filter(pl.element().str.starts_with(start))).list.first()
    return said.str.strip_prefix(start).fill_null(default).to_list()


def joined(columns: Sequence[pl.Series], between: str, end: str) -> bytes | memoryview:
    """The texts of columns of one length, row by row, as UTF-8."""
    if len(columns[0]) <= FEW:
        return "".join(between.join(row) + end for row in zip(*columns, strict=True)).encode()
    whole = pl.select(pl.concat_str(*columns, separator=between) + end).to_series()
    return memoryview(whole.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2])


def _texts(values: pl.Series, rows: Rows) -> list[str]:
    return [one or "" for one in listed(values, rows)]


def _series(values: list[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)
