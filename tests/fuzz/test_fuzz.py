"""Every reader of foreign bytes keeps its contract, whatever it is given: the same inputs in every run."""

import random
import re
from pathlib import Path

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutator
from tests.fuzz.target import ROOM, Large, Slow, Target, tried
from tests.fuzz.targets import TARGETS

SEED = "custody"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_foreign_bytes(target: Target) -> None:
    """Nothing crashes, goes on and on, or takes memory out of proportion."""
    target.run(target.seeds()[0])  # what a first run imports is nobody's finding
    made = Mutator(target.seeds(), target.words, f"{SEED} {target.name}")
    for data in made.seeds:
        tried(target, data)
    for _ in range(target.rounds):
        tried(target, made.next())


def test_the_same_inputs_again() -> None:
    """A seed gives its inputs again."""
    target = random.Random(SEED).choice(TARGETS)  # noqa: S311 - reproducible, not secret
    one, other = (Mutator(target.seeds(), target.words, SEED) for _ in range(2))
    assert [one.next() for _ in range(50)] == [other.next() for _ in range(50)]


def test_what_takes_too_much_is_found() -> None:
    """A reader that fills the memory, or goes on and on within a regular expression, is caught."""

    def filling(_data: bytes) -> None:
        assert b"x" * (2 * ROOM)

    def endless(_data: bytes) -> None:
        assert not re.match(rb"(a|a)*b", b"a" * 40)

    for run, error, cpu in ((filling, Large, 10), (endless, Slow, 0.2)):
        with pytest.raises(error):
            tried(Target(name="x", run=run, seeds=lambda: [b""]), b"", cpu=cpu)


def test_a_campaign_keeps_what_it_finds(tmp_path: Path) -> None:
    """Each kind of failure is kept once, with an input that shows it, and the run goes on."""

    def wrong(data: bytes) -> None:
        if data:
            data.decode("ascii")

    campaign = Campaign(Target(name="x", run=wrong, seeds=lambda: [b"", b"\xff", b"\xfe"]), tmp_path)
    campaign.at_random(1.0, "1")
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes()
    assert list(campaign.found) == [kind for kind in campaign.found if kind.startswith("UnicodeDecodeError")]
    assert campaign.inputs > campaign.found.total() > 1
