"""Fetching ahead changes neither order nor errors."""

from collections.abc import Iterator

import pytest

from streams.kafka.ahead import ahead


def test_everything_comes_in_order() -> None:
    """To the end, which may be the beginning."""
    assert list(ahead(iter(range(1, 100)))) == list(range(1, 100))
    assert list(ahead(iter(()))) == []


def test_an_error_comes_where_it_happened() -> None:
    """What was fetched before it is given first."""

    def source() -> Iterator[int]:
        yield 1
        raise OSError

    given = ahead(source())
    assert next(given) == 1
    with pytest.raises(OSError):  # noqa: PT011 - ours, without words
        next(given)


def test_who_stops_early_leaves_nothing_behind() -> None:
    """The source is not asked any more."""
    source = iter(range(100))
    given = ahead(source)
    next(given)
    given.close()
    assert next(source) <= 2
