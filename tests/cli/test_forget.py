"""What `custody forget` says: what was done, and what it does not reach."""

import pytest
from rich.cells import cell_len

from streams.cli import forget
from streams.warehouse.forget import Near

WHO = "carol@dest.test"
NOWHERE = Near()


@pytest.mark.parametrize("done", [False, True], ids=["asked", "done"])
def test_what_is_not_reached_is_said_with_how_long_it_has_it(*, done: bool) -> None:
    """Topics by their retention, those that keep the last of each key for ever, checkpoints, trackers, changes."""
    lines = forget.lines(WHO, {"event_records": 12}, NOWHERE, done=done, in_terms=False)
    assert [line for line in lines if cell_len(line) > 80] == []
    table = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    assert table["message-events"] == "400 days"
    for_ever = {name for name, until in table.items() if until == "the latest of each key, for ever"}
    assert for_ever == {"alerts", "cases", "progress", "queue-states"}
    text = " ".join(" ".join(lines).split())
    for said in (
        "collectors' checkpoints: until the queue entry has left",
        "custody-snapshots: until the message has closed",
        "changelog of the cases worker, in Kafka: until its case is cleared for keep_alerts_days",
        "system.mutations",
        "leg, unit and chain: as long as their rows; hashes without a secret",
    ):
        assert said in text
    assert "It is no address" not in text


def test_of_a_name_that_is_no_address_it_is_said_where_it_was_looked_for() -> None:
    """Raw evidence is not searched for it: who wants it gone must know."""
    lines = forget.lines("carol", {"event_records": 12}, NOWHERE, done=True, in_terms=False)
    assert [line for line in lines if cell_len(line) > 80] == []
    text = " ".join(" ".join(lines).split())
    assert "It is no address: looked for where it is the whole of a recipient" in text
    assert "Raw evidence and what peers said may have it still." in text


def test_gone_is_said_of_the_tables_alone() -> None:
    """And of nothing where nothing was done, or there."""
    rows = {"event_records": 12, "unit_records": 3}
    assert (
        forget.lines(WHO, rows, NOWHERE, done=True, in_terms=False)[0]
        == f"{WHO}: 2 tables had it; it is gone from them."
    )
    assert forget.lines(WHO, {}, NOWHERE, done=True, in_terms=False)[0] == f"{WHO}: 0 tables had it."
    asked = forget.lines(WHO, rows, NOWHERE, done=False, in_terms=True)
    assert asked[0] == f"{WHO}: 2 tables have it."
    assert asked[-1] == "Nothing is done yet: --yes"
    assert "The terms name it: they are yours to change (custody terms use)." in asked


def test_what_may_have_it_still_is_said_with_examples() -> None:
    """And then nothing says that it is gone from the tables."""
    near = Near({"event_records": 1200, "evidence_records": 34}, [f"/var/mail/{WHO}", f"{'x' * 300}{WHO}", "a\x1bb@c"])
    lines = forget.lines(WHO, {"event_records": 12}, near, done=True, in_terms=False)
    assert [line for line in lines if cell_len(line) > 80] == []
    assert lines[0] == f"{WHO}: 1 tables had it; where it stood by itself it is gone."
    text = " ".join(" ".join(lines).split())
    assert "1,234 rows may have it still: words end in it, which may be somebody else's." in text
    assert f"event_records 1,200 evidence_records 34 /var/mail/{WHO} xxx" in text
    assert "\x1b" not in text
    asked = forget.lines(WHO, {}, near, done=False, in_terms=False)
    assert asked[0] == f"{WHO}: 0 tables have it."
    assert asked[1].startswith("1,234 rows may have it still")
