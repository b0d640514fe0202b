"""All targets."""

from tests.fuzz import logs, mail, texts, web, wires
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*logs.TARGETS, *mail.TARGETS, *wires.TARGETS, *texts.TARGETS, *web.TARGETS)
BY_NAME = {target.name: target for target in TARGETS}
