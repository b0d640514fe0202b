"""A verdict as it is printed."""

import pytest

from streams.cli import _verdict
from streams.simulate.check import Row, Seen, Verdict
from streams.simulate.truth import Due

PLAYED = {"seed": 3, "acts": 1200, "hosts": 10, "recipients": {"mail": 60}}
DUE = Due(name=("overdue", "alpha", "4jYL", "a@b.example"), raised=10_000_000, cause="waiting on beta")
ALERT = Seen(raised=12_500_000, told=13_000_000, cause="waiting on gamma")


def printed(capsys: pytest.CaptureFixture[str], **rows: Row) -> str:
    """What is said of some rows."""
    _verdict.say(PLAYED, Verdict(rows=rows, withdrawn=2), err=False)
    return capsys.readouterr().out


def test_all_that_differs_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Missing, false, wrong and off, each with what it is about."""
    row = Row(planted=1, due=1, missing=[DUE], false=[(DUE.name, ALERT)], wrong=[(DUE, ALERT)], off=[(DUE, ALERT)])
    text = printed(capsys, deleted=row)
    about = "deleted: overdue alpha 4jYL a@b.example"
    assert f"missing  {about}\n" in text
    assert f"false    {about}: waiting on gamma\n" in text
    assert f"wrong    {about}: waiting on gamma, not waiting on beta\n" in text
    assert f"off      {about}: by +2.5 s\n" in text
    assert text.endswith("Custody and the truth DIFFER.\n")


def test_what_later_evidence_took_back_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """It was told to somebody, though it is not false."""
    text = printed(capsys, deleted=Row(planted=1, due=1, found=1, lateness=[500_000]))
    assert "withdrawn when later evidence came: 2." in text
    assert text.endswith("Custody found all of it, and nothing else.\n")
