"""What is owed, by class, priority, grade, domains and mailbox; and what a profile may not say."""

from importlib.resources import files
from typing import Any

import pytest

from streams import profiles
from streams.core.errors import Misuse
from streams.core.events import Traffic
from streams.core.terms import SECOND, Terms
from tests.core.journeys import alarms, folded, stored, submitted

BASE = {"name": "x", "report": {"normal": 60, "urgent": 10}, "stuck": {"normal": 30}}


def terms(**said: Any) -> Terms:
    """Terms with some rules."""
    return Terms.parse(BASE | said)


def report(given: Terms, **party: Any) -> int | None:
    """Seconds until a report is due; None where none is owed."""
    asked = {"traffic": Traffic.OURS, "priority": 0, "originator": "al@a.test", "recipient": "bo@b.test"} | party
    due = given.owed(*asked.values()).report
    return None if due is None else due // SECOND


def test_a_priority_has_the_term_of_its_level_or_of_the_nearest_below() -> None:
    """MT-PRIORITY 2 lies between normal and urgent; what lies below all has the lowest there is."""
    assert [report(terms(), priority=level) for level in (6, 4, 2, 0, -4)] == [10, 10, 60, 60, 60]


def test_the_last_rule_that_matches_wins() -> None:
    """By domains, in any case of letters."""
    given = terms(
        rules=[
            {"recipient_domain": "*.test", "report": {"normal": 7}},
            {"originator_domain": "A.test", "report": {"normal": 8}},
            {"originator_domain": "other.test", "report": {"normal": 9}},
        ]
    )
    assert report(given) == 8
    assert report(given, originator="al@else.test") == 7


def test_a_rule_speaks_of_one_class() -> None:
    """Only ours owes a report; what arrives from outside may be stuck for another time."""
    given = terms(rules=[{"traffic": "inbound", "stuck": {"normal": 5}}])
    assert given.owed(Traffic.INBOUND, 0, "", "bo@b.test").stuck == 5 * SECOND
    assert given.owed(Traffic.OURS, 0, "", "bo@b.test").stuck == 30 * SECOND
    assert report(given, traffic=Traffic.INBOUND) is None


def test_a_grade_has_terms_of_its_own() -> None:
    """High grade is owed sooner; what says no grade has the terms of all."""
    given = terms(rules=[{"grade": "high", "report": {"normal": 5}}])
    assert [report(given, grade=grade) for grade in ("High", "medium", "")] == [5, 60, 60]


def test_the_grade_of_a_message_is_in_its_evidence() -> None:
    """The attribute `grade=` of the submission fixes when its report is due."""
    high = [*submitted(0, "A1", attributes=("x=1", "grade=high")), *submitted(0, "A2", key="n")]
    found = alarms(folded(high, terms={"rules": [{"grade": "high", "report": {"normal": 5}}]}), 10)
    assert found == {("overdue", "origin/A1", 5, None)}


def test_the_last_mailbox_rule_that_matches_wins() -> None:
    """A duty desk is read sooner, a robot never."""
    given = terms(
        unread={
            "after": 100,
            "mailboxes": ["*/INBOX"],
            "rules": [{"mailbox": "duty-*/INBOX", "after": 7}, {"mailbox": "duty-robot@*"}],
        }
    )
    seen = [given.unread_after(user, "INBOX") for user in ("bo@b.test", "Duty-1@b.test", "duty-robot@b.test")]
    assert seen == [100 * SECOND, 7 * SECOND, None]
    assert given.unread_after("bo@b.test", "Junk") is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"findings": ["overdu"]}, "findings: unknown name 'overdu'"),
        ({"report": {"fast": 1}}, "report: unknown name 'fast'"),
        ({"stuck": {"normal": -1}}, r"stuck"),
        ({"grace": "1"}, r"Expected `int`, got `str` - at `\$.grace`"),
        ({"rules": [{"priority": 4, "report": {}}]}, r"unknown field `priority` - at `\$.rules\[0\]`"),
        ({"rules": [{"traffic": "our", "report": {}}]}, r"rules\[0\].traffic: no class is 'our'"),
        ({"rules": [{"recipient_domain": "a@b.test", "stuck": {}}]}, r"rules\[0\].recipient_domain: .* not a domain"),
        ({"rules": [{}]}, r"rules\[0\]: says neither report nor stuck"),
        ({"unread": {"mailboxes": ["*/INBOX", "carol@dest.test"]}}, r"unread.mailboxes\[1\]: .* names no mailbox"),
        ({"unread": {"rules": [{"mailbox": "INBOX"}]}}, r"unread.rules\[0\].mailbox: 'INBOX' names no mailbox"),
    ],
)
def test_what_a_profile_may_not_say_is_refused_with_place_and_reason(said: dict[str, Any], reason: str) -> None:
    """Whoever wrote it learns where, and what is wrong."""
    with pytest.raises(Misuse, match=reason):
        terms(**said)


def test_the_example_of_every_key_is_right() -> None:
    """The file that shows all keys can be used as it is, and has them all."""
    text = (files("schemas") / "examples" / "terms.toml").read_text(encoding="utf-8")
    given = profiles.parse(text, "terms.toml")
    assert {name for name in given.profile.__struct_fields__ if name in text} == set(given.profile.__struct_fields__)
    assert report(given, originator="al@hq.mil.test", recipient="bo@ops.test", grade="high", priority=4) == 300
    assert report(given, recipient="bo@partner.test") is None


def test_an_unread_copy_of_a_duty_desk_is_found_by_its_own_term() -> None:
    """The mailbox decides by when a copy must be opened."""
    rules = [{"mailbox": "duty@*/INBOX", "after": 7}]
    both = [
        *stored(1, ("relay", "B1"), "s1", "duty@dest.test"),
        *stored(1, ("relay", "B1"), "s2", "bob@dest.test"),
    ]
    unread = {"after": 100, "mailboxes": ["*@dest.test/INBOX"], "rules": rules}
    found = alarms(folded(both, terms={"unread": unread}), 1000)
    assert {one for one in found if one[0] == "unread"} == {
        ("unread", "store/s1", 8, None),
        ("unread", "store/s2", 101, None),
    }
