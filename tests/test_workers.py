"""A worker that ends by itself ends surely, whatever Faust waits for."""

import os
import threading

import pytest

from streams import workers


def test_a_worker_that_cannot_end_in_order_ends_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over: the process ends, with what says that it failed."""
    ended, codes = threading.Event(), list[int]()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    monkeypatch.setattr(workers, "_FAREWELL", 0.01)
    monkeypatch.setattr(os, "_exit", end)
    workers._end_surely()
    assert ended.wait(60)
    assert codes == [1]
