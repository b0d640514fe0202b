"""One seed: a world, run to its end, and what is wrong with what came out."""

import logging
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import check
from tests.faults.mail import mail
from tests.faults.moments import Moments
from tests.faults.roles import PARTS, staff
from tests.faults.weather import weather
from tests.faults.world import World

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
"""Where checkpoints need no disk; a seed stores a few dozen."""

CRASHES = (AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a part that is wrong may raise; its seed is worth more than where it was."""


def run(seed: int, parts: Mapping[str, Any] = PARTS) -> list[str]:
    """What is wrong in a world and after it; nothing, as it should be.

    Args:
        seed: of all chances.
        parts: what is run.
    """
    draw = Random(seed)  # noqa: S311 - chances that can be drawn again
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    world = World(draw=draw, mail=mail(draw, draw.randint(1, 3)), folder=folder, weather=weather(draw))
    moments = Moments(world.mail, world.log, world.tables, folder, is_late=world.weather.patience > 0)
    world.look = moments.look
    try:
        staff(world, parts)
        world.run()
        return [*moments.wrong, *check.wrong(world, parts["tracker"])]
    except CRASHES as error:
        return [*moments.wrong, repr(error)]
    finally:
        shutil.rmtree(folder)


def quiet() -> None:
    """What the product says about its faults is no news here."""
    logging.disable(logging.CRITICAL)


def all_wrong(seeds: range) -> dict[int, list[str]]:
    """By seed, what is wrong."""
    quiet()
    return {seed: found for seed in seeds if (found := run(seed))}


def caught(seeds: Iterable[int], mistake: tuple[str, Any]) -> int | None:
    """The first seed that shows a mistake: the part that has it, and the broken one."""
    quiet()
    role, broken = mistake
    return next((seed for seed in seeds if run(seed, PARTS | {role: broken})), None)
