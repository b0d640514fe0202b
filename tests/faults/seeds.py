"""One seed: a world, run to its end, and what is wrong with what came out."""

import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import check
from tests.faults.mail import mail
from tests.faults.roles import PARTS, staff
from tests.faults.world import World

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
"""Where checkpoints need no disk; a seed stores a few dozen."""

DANGERS = (0.0, 0.05, 0.15, 0.3)
"""How likely a call goes wrong; some worlds are without faults."""

OFTEN = 0.12

PATIENCE = 6
"""Seconds of a clock writer that calls sources silent within the world's time."""


def run(seed: int, parts: Mapping[str, Any] = PARTS, only: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong after a seed; nothing, as it should be.

    Args:
        seed: of all chances.
        parts: what is run.
        only: the calls that go wrong, and often; none named: all, now and then.
    """
    draw = Random(seed)  # noqa: S311 - chances that can be drawn again
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    try:
        world = World(
            draw=draw,
            mail=mail(draw, draw.randint(1, 3)),
            folder=folder,
            danger=OFTEN if only else draw.choice(DANGERS),
            only=only,
            patience=draw.choice((0, 0, 0, PATIENCE)),
        )
        staff(world, parts)
        world.run()
        return check.wrong(world)
    except AssertionError as error:
        return [str(error)]
    finally:
        shutil.rmtree(folder)


def quiet() -> None:
    """What the product says about its faults is no news here."""
    logging.disable(logging.CRITICAL)


def all_wrong(seeds: range) -> dict[int, list[str]]:
    """By seed, what is wrong."""
    quiet()
    return {seed: found for seed in seeds if (found := run(seed))}
