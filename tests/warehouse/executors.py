"""An executor that does what it was given when a test says so."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class ByHand(Executor):
    """Runs what it was given when a test says so, or somebody waits for it."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self.waiting: list[Callable[[], None]] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Take work, to be done later."""
        future = _Lazy(self)

        def run() -> None:
            try:
                future.set_result(work(*args, **named))
            except OSError as error:
                future.set_exception(error)

        self.waiting.append(run)
        return future

    def run(self) -> None:
        """Do what waits."""
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()


class _Lazy(Future[Any]):
    def __init__(self, executor: ByHand) -> None:
        super().__init__()
        self._executor = executor

    def result(self, timeout: float | None = None) -> Any:
        self._executor.run()
        return super().result(timeout)
