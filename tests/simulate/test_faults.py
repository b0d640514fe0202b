"""How faults are asked for."""

import pytest

from streams.core.errors import Misuse
from streams.simulate.faults import FAULTS, HOUR, MINUTE, USUAL, duration, wish, wishes


def test_a_rate_is_a_share_of_messages() -> None:
    """NAME=RATE."""
    asked = wish("report-lost=0.001")
    assert (asked.fault.name, asked.rate, asked.at) == ("report-lost", 0.001, None)


def test_a_moment_names_place_and_duration() -> None:
    """NAME=WHERE@HH:MM/DURATION."""
    asked = wish("host-down=hub-east@10:30/1h20m")
    assert (asked.where, asked.at, asked.lasts) == ("hub-east", 10 * HOUR + 30 * MINUTE, HOUR + 20 * MINUTE)
    assert wish("net-cut=alpha>hub-east@0:00/5m").where == "alpha>hub-east"
    assert wish("deleted=@9:00").at == 9 * HOUR


@pytest.mark.parametrize(
    "text", ["", "deleted", "nothing=1", "deleted=2", "deleted=x", "host-down=@25", "deleted=@9:00/x"]
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    """With a hint that shows how."""
    with pytest.raises(Misuse) as refused:
        wish(text)
    assert refused.value.hint


def test_none_given_is_a_little_of_everything() -> None:
    """The usual plan has every fault there is."""
    assert wishes(()) == USUAL
    assert {one.fault.name for one in USUAL} == set(FAULTS)
    assert wishes(("none",)) == ()
    assert len(wishes(("all", "deleted=0.5"))) == len(FAULTS) + 1


def test_durations_have_units() -> None:
    """A bare number is none."""
    assert duration("36h") == 36 * HOUR
    for text in ("", "90", "m"):
        with pytest.raises(Misuse):
            duration(text)
