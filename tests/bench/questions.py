"""How fast the warehouse answers in a large ledger: ten million events, made inside the engine and derived as always.

The baseline of a trace looks for a name in all events, as the views offer them. Whole commands are measured from their
start to their end, imports and connection included.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from streams.settings import Settings
from streams.warehouse.client import ask
from streams.warehouse.questions import Warehouse
from tests.bench.feed import Watch
from tests.bench.figure import Figure, alternate, median
from tests.bench.size import Size, stack
from tests.warehouse import large

COPIES = 50


def trace(size: Size) -> Iterator[Figure]:
    """Milliseconds of commands' questions in a large ledger, and of whole commands."""
    messages = size.of(1_000_000, 5_000)
    with stack() as started:
        settings = large.made(started, "large", messages=messages // COPIES, copies=COPIES)
        asked = Asked(settings, size.rounds)
        number, copy = messages // COPIES // 3, COPIES // 2
        names = {
            "Message-ID": f"m{number}.{copy}@origin.test",
            "queue id": f"B{number}c{copy}",
            "recipient": large.recipient_of(number),
            "busy recipient": large.BUSY,
        }
        for what, name in names.items():
            yield asked.traced(f"trace by {what}, {messages // 100_000} M events", name)
            yield asked.process(f"the same, whole command, by {what}", name)
        for name, work in asked.lists().items():
            yield asked.timed(f"questions of {name}", work)


class Asked:
    """The questions of commands, each asked some times."""

    def __init__(self, settings: Settings, rounds: int) -> None:
        """Ask a ledger."""
        self._settings, self._rounds, self._warehouse = settings, rounds, Warehouse.of(settings)

    def traced(self, name: str, named: str) -> Figure:
        """All that `custody trace` asks, beside looking for the name in all events."""
        slow = (
            "SELECT DISTINCT message_key FROM events"
            " WHERE message_key = {n:String} OR queue_id = {n:String} OR lower(recipient) = {n:String}"
        )
        return self.timed(
            name,
            lambda: self._trace(named),
            "a scan of events",
            lambda: ask(self._warehouse.client, slow, {"n": named}),
        )

    def process(self, name: str, named: str) -> Figure:
        """The command from its start to its end."""
        command = (sys.executable, "-m", "streams.cli", "trace", named)
        where = ("--ledger", self._settings.ledger, "--data", str(self._settings.data))
        return self.timed(
            name, partial(subprocess.run, (*command, *where), check=True, stdout=subprocess.DEVNULL),
            "a Python process that does nothing", partial(subprocess.run, (sys.executable, "-c", ""), check=True),
        )  # fmt: skip

    def timed(
        self, name: str, work: Callable[[], object], baseline: str = "", other: Callable[[], object] | None = None
    ) -> Figure:
        """Milliseconds of some questions together, and what processors worked for them."""
        spent: list[float] = []
        works = [partial(self._took, work, spent), *([partial(self._took, other, [])] if other else [])]
        runs, *beside = alternate(self._rounds, *works)
        note = f"processors worked {median(spent):,.0f} ms"
        return Figure(what=name, unit="ms", runs=runs, baseline=baseline, beside=beside[0] if beside else [], note=note)

    def lists(self) -> dict[str, Callable[[], object]]:
        """What each list asks, beside the clock."""
        warehouse = self._warehouse
        return {
            "queue": warehouse.queue,
            "overdue": lambda: (
                warehouse.counts("overdue,blind"),
                warehouse.alerts("overdue,blind", standing=True),
                warehouse.owed(),
            ),
            "unread": lambda: (warehouse.counts("unread"), warehouse.alerts("unread,not-read", standing=True)),
            "alerts": lambda: warehouse.alerts(standing=True),
            "cases": warehouse.cases,
            "reliability": lambda: (warehouse.reliability(), warehouse.proofs(), warehouse.span()),
        }

    def _trace(self, named: str) -> None:
        self._warehouse.clock()
        found = self._warehouse.candidates(named)
        assert found
        if len(found) == 1:
            self._warehouse.trace(found[0]["message_key"])
            self._warehouse.hosts()

    def _took(self, work: Callable[[], object], told: list[float]) -> float:
        watch = Watch(self._settings)
        work()
        seconds, spent = watch.read()
        told.append(1000 * spent)
        return 1000 * seconds
