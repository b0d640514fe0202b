"""How a list ends that was asked to `--check`: calm only if somebody would know of trouble."""

import time
from typing import Any

import click

from streams.core.errors import Unavailable
from streams.settings import Settings


def conclude(settings: Settings, clock: dict[str, Any], *, found: bool) -> None:
    """End with 1 if something was found, and with 3 if nothing was because the ledger's clock does not go on.

    Without brokers in the settings nobody knows which sources are followed, so what was found is all there is to say.

    Args:
        settings: of the ledger.
        clock: the last tick that was fed; empty where there is none.
        found: was something found.

    Raises:
        Unavailable: sources are followed, and the clock is not near this machine's time; or the brokers are away.
    """
    if found:
        raise click.exceptions.Exit(1)
    if not settings.kafka_brokers:
        return
    from streams.cli._checks import judged  # noqa: PLC0415 - only here
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.progress import live_sources  # noqa: PLC0415

    if live_sources(KafkaLog(settings)) and not (tick := judged(clock, time.time())).ok:
        raise Unavailable(f"Nothing is found, but the clock stands: {tick.said}.", hint=tick.advice)
