"""How a list ends that was asked to `--check`: calm only if somebody would know of trouble."""

import time
from typing import Any

import click

from streams.core.errors import Unavailable
from streams.settings import Settings


def conclude(settings: Settings, clock: dict[str, Any], *, found: bool) -> None:
    """End with 1 if something was found, and with 3 if nothing was because nobody looks.

    Without brokers in the settings nobody knows which sources are followed, so what was found is all there is to say.

    Args:
        settings: of the ledger.
        clock: the last tick that was fed; empty where there is none.
        found: was something found.

    Raises:
        Unavailable: sources are followed, and the clock is not near this machine's time, or no tracker reads them; or
            something was read, and there is no clock; or the brokers are away.
    """
    if found:
        raise click.exceptions.Exit(1)
    if not settings.kafka_brokers:
        return
    from streams.cli._checks import TIMEOUT, judged  # noqa: PLC0415 - only here
    from streams.kafka import lag  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.progress import live_sources, read_sources  # noqa: PLC0415

    log = KafkaLog(settings)
    if not live_sources(log):
        if not clock and read_sources(log):
            hint = "are the clock and the feed worker up?"
            raise Unavailable("Nothing is found, but nothing was judged: the ledger has no clock.", hint=hint)
        return
    if not (tick := judged(clock, time.time())).ok:
        raise Unavailable(f"Nothing is found, but the clock stands: {tick.said}.", hint=tick.advice)
    if not lag.says_tracked(settings, TIMEOUT):
        hint = "is the track worker up (custody status), and may this user describe groups?"
        raise Unavailable("Nothing is found, but no tracker reads the ledger.", hint=hint)
