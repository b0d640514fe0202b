"""Every reader of foreign bytes keeps its contract, whatever it is given: the same inputs in every run."""

import random

import pytest

from tests.fuzz.mutation import Mutator
from tests.fuzz.target import Target, tried
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
