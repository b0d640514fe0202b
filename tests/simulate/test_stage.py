"""A world is made from its seed, and nothing in it is out of order."""

from itertools import pairwise

import msgspec
import pytest

from streams.simulate.acts import Entered, Left
from streams.simulate.faults import HOUR, wishes
from streams.simulate.letters import MAIL
from streams.simulate.stage import Played, simulate
from streams.simulate.world import World


@pytest.fixture(scope="module")
def played() -> Played:
    """Two hours with everything in them."""
    return simulate(5, 400, span=2 * HOUR)


def _acts(world: World) -> bytes:
    return msgspec.json.encode(world.acts)


def test_the_same_seed_plays_the_same_world(played: Played) -> None:
    """Byte for byte; another seed plays another."""
    again = simulate(5, 400, span=2 * HOUR)
    assert _acts(again.world) == _acts(played.world)
    assert again.tickets == played.tickets
    assert (again.world.gaps, again.world.skews) == (played.world.gaps, played.world.skews)
    assert _acts(simulate(6, 400, span=2 * HOUR).world) != _acts(played.world)


def test_acts_stand_in_the_order_of_time(played: Played) -> None:
    """Each has the tickets that it is about."""
    acts = played.world.acts
    assert all(one.at <= other.at for one, other in pairwise(acts))
    assert len(played.marks) == len(acts)
    assert all(0 <= number < len(played.tickets) for marks in played.marks for number in marks)


def test_an_entry_leaves_after_it_came_and_once(played: Played) -> None:
    """Queue ids are used once on each host."""
    came = [(act.host, act.queue_id) for act in played.world.acts if isinstance(act, Entered)]
    left = [(act.host, act.queue_id) for act in played.world.acts if isinstance(act, Left)]
    assert len(set(came)) == len(came)
    assert len(set(left)) == len(left)
    arrivals = {(act.host, act.queue_id): act.at for act in played.world.acts if isinstance(act, Entered)}
    assert all(arrivals[act.host, act.queue_id] < act.at for act in played.world.acts if isinstance(act, Left))


def test_without_faults_everything_ends() -> None:
    """No entry stays for ever, and every letter of ours is told."""
    calm = simulate(5, 200, span=2 * HOUR, wishes=wishes(("none",)))
    came = {(act.host, act.queue_id) for act in calm.world.acts if isinstance(act, Entered)}
    left = {(act.host, act.queue_id) for act in calm.world.acts if isinstance(act, Left)}
    assert came == left
    assert not any(one.fault or one.touched for one in calm.tickets)
    assert all(one.host for one in calm.tickets if one.kind == MAIL)
