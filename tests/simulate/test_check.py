"""What was found, by name."""

from itertools import permutations
from typing import Any

from streams.simulate.check import seen


def alert(number: int, at: int, state: str = "raised") -> dict[str, Any]:
    """An alert about a report of one message; each report has its own."""
    about = {"host": "alpha", "queue_id": "4jYLmp4f7fz1TCJl", "recipient": "a@b.example", "message_key": "m@b.example"}
    return {"alert_id": bytes([number]), "rule": "uncorroborated-report", "state": state, "at": at, "clock": at + 5,
            "cause": "", **about}  # fmt: skip


def test_of_two_reports_of_one_message_the_first_counts() -> None:
    """In whatever order they were told, and whichever is cleared."""
    for order in permutations([alert(1, 20), alert(2, 10), alert(3, 30)]):
        (one,) = seen([*order, alert(1, 40, "cleared")]).values()
        assert (one.raised, one.told) == (10, 15)
        assert one.cleared > 40
