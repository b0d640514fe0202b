"""All targets."""

from tests.fuzz import logs, mail, wires
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*logs.TARGETS, *mail.TARGETS, *wires.TARGETS)
BY_NAME = {target.name: target for target in TARGETS}
