"""Columns of Arrow as numpy arrays, and back.

pyarrow's own ways (`to_numpy`, `fill_null`, `pa.array`) import pandas wherever it is installed, and the embedded engine
brings it: half a second and forty megabytes of every process that folds.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(array: pa.Array, default: int = 0) -> NDArray[Any]:
    """An array of numbers, shape (n,), not to be written to; a default stands where it has None."""
    if not array.null_count:
        return np.from_dlpack(array)
    held = pa.Array.from_buffers(array.type, len(array), [None, array.buffers()[1]], offset=array.offset)
    return np.where(valid(array), np.from_dlpack(held), default)


def valid(array: pa.Array) -> NDArray[np.bool_]:
    """Where an array has a value, shape (n,)."""
    return np.from_dlpack(array.is_valid().cast(pa.uint8())).view(np.bool_)


def column(values: NDArray[Any]) -> pa.Array:
    """An array of numpy's numbers as Arrow's, in the same memory if it lies there in one piece."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
