"""How a list ends that was asked to `--check`: calm only if somebody would know of trouble."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from streams.cli._screen import as_datetime, moment
from streams.core.errors import Unavailable
from streams.core.moments import micros
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.warehouse.questions import Warehouse


def conclude(settings: Settings, warehouse: "Warehouse", clock: dict[str, Any], is_found: Callable[[], bool]) -> None:
    """End with 1 if something was found, and with 3 if nothing was because nobody looks, or nobody has looked yet.

    Without brokers in the settings nobody knows which sources are followed, so what was found is all there is to say.

    Args:
        settings: of the ledger.
        warehouse: where what was found comes from.
        clock: the last tick that was fed; empty where there is none.
        is_found: asks the warehouse whether anything is found; of an import once more, when all of it was judged.

    Raises:
        Unavailable: sources are followed, and the clock is not near this machine's time, or no tracker reads them; or
            something was read, and there is no clock, or not all of it was judged; or the brokers are away.
    """
    if is_found():
        raise click.exceptions.Exit(1)
    if not settings.kafka_brokers:
        return
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.progress import claims, live_sources  # noqa: PLC0415

    log = KafkaLog(settings)
    if live_sources(log):
        _followed(settings, clock)
    elif claimed := claims(log):
        _imported(settings, warehouse, clock, min(claimed.values()))
        if is_found():
            raise click.exceptions.Exit(1)


def _followed(settings: Settings, clock: dict[str, Any]) -> None:
    """Is what is followed looked at now."""
    from streams.cli._checks import TIMEOUT, judged  # noqa: PLC0415 - only here
    from streams.kafka import lag  # noqa: PLC0415

    if not (tick := judged(clock, time.time())).ok:
        raise Unavailable(f"Nothing is found, but the clock stands: {tick.said}.", hint=tick.advice)
    if not lag.says_tracked(settings, TIMEOUT):
        hint = "is the track worker up (custody status), and may this user describe groups?"
        raise Unavailable("Nothing is found, but no tracker reads the ledger.", hint=hint)


def _imported(settings: Settings, warehouse: "Warehouse", clock: dict[str, Any], until: int) -> None:
    """Was all that was read looked at, up to its end; that nobody looks any more is as it should be."""
    from streams.cli._checks import TIMEOUT  # noqa: PLC0415 - only here
    from streams.kafka import lag  # noqa: PLC0415

    if not clock:
        hint = "are the clock and the feed worker up?"
        raise Unavailable("Nothing is found, but nothing was judged: the ledger has no clock.", hint=hint)
    hint = "again in a few seconds; if it stays so: are the clock, track and feed workers up (custody status)?"
    through = as_datetime(clock["through"])
    if through is None or micros(through) < until:
        raise Unavailable(
            f"Nothing is found, but the clock is not at {moment(until)} yet, where the import ends.", hint=hint
        )
    if waits := lag.waiting(settings, TIMEOUT):
        raise Unavailable(f"Nothing is found, but not all was judged: {waits}.", hint=hint)
    if not warehouse.is_derived():
        raise Unavailable("Nothing is found, but not all that was fed is derived yet.", hint=hint)
