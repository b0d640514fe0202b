"""Fetching what comes next while one thing is worked on."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(source: Iterator[T]) -> Generator[T]:
    """What a source gives, in order; the next is fetched by another thread meanwhile.

    An error of the source is raised where what it was fetching would have come.
    """
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, source, None)
        while (one := following.result()) is not None:
            following = pool.submit(next, source, None)
            yield one
