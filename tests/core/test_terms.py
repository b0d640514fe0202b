"""What is owed, by class, priority, grade, domains and mailbox."""

import re
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

import pytest

from streams import profiles
from streams.core.errors import Misuse
from streams.core.events import Traffic
from streams.core.terms import SECOND, Terms
from streams.warehouse import owed
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
    ],
)
def test_what_cannot_be_read_is_refused_with_place_and_reason(said: dict[str, Any], reason: str) -> None:
    """Whoever wrote it learns where, and what is wrong."""
    with pytest.raises(Misuse, match=reason):
        terms(**said)


def test_of_two_names_of_one_level_the_least_term_holds() -> None:
    """A ledger that was told so before it was refused: flash and urgent are 4, priority and normal are 0."""
    given = terms(report={"urgent": 3600, "flash": 600, "priority": 60, "normal": 10_000})
    assert [report(given, priority=level) for level in (6, 4, 0, -4)] == [600, 600, 60, 60]


@pytest.mark.parametrize("name", profiles.shipped())
def test_a_shipped_profile_gives_what_is_urgent_no_more_time(name: str) -> None:
    """No term of a higher level is longer than that of a lower one."""
    given = [profiles.load(name).owed(Traffic.OURS, level, "", "") for level in (6, 4, 2, 0, -2, -4)]
    for spans in ([one.report or 0 for one in given], [one.stuck or 0 for one in given]):
        assert spans == sorted(spans)


def test_flash_is_due_in_ten_minutes_where_reports_are_guaranteed() -> None:
    """The shortest term of the profile is that of the highest level that it names."""
    assert report(profiles.load("guaranteed"), priority=4) == 600


def test_bulk_is_whoever_matches_in_any_case_of_letters() -> None:
    """Neither the pattern nor the address need be in lower case."""
    given = terms(bulk=["News-*@Lists.test"])
    assert report(given, originator="NEWS-7@lists.test") is None
    assert report(given, originator="al@lists.test") == 60


def test_the_example_of_every_key_is_right() -> None:
    """The file that shows all keys can be used as it is, and has them all."""
    text = (files("schemas") / "examples" / "terms.toml").read_text(encoding="utf-8")
    given = profiles.checked(text, "terms.toml")
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


RIGHT = {
    "1/0": "unrecognised-OR-name",
    "1/1": "ambiguous-OR-name",
    "1/26": "recipient-reassignment-prohibited",
    "1/28": "dl-expansion-prohibited",
    "1/29": "no-dl-submit-permission",
    "4/32": "undeliverable-mail-physical-delivery-address-incorrect",
    "4/45": "undeliverable-mail-originator-prohibited-forwarding",
    "1/46": "secure-messaging-error",
    "8/51": "dl-expansion-prohibited-by-security-policy",
    "0/59": "unauthorised-recipient-name",
    "0/60": "unreliable-system",
    "0/68": "invalid-security-label",
    "0/78": "unsupported-security-policy",
    "5/17": "restricted-delivery",
    "8/5": "transfer-failure-for-security-reason",
    "5.1.1": "no such mailbox",
    "5.2.1": "a mailbox switched off",
    "5.7.1": "not allowed",
}
"""Refusals whose cause is the recipient's, a policy's, or what the originator forbade; X.411's by their names."""

OURS = {
    "0/2": "mts-congestion",
    "0/3": "loop-detected",
    "0/4": "recipient-unavailable",
    "0/5": "maximum-time-expired",
    "1/7": "content-too-long",
    "2/8": "conversion-impractical",
    "1/10": "implicit-conversion-not-subscribed",
    "1/14": "protocol-violation",
    "1/17": "no-bilateral-agreement",
    "1/20": "line-too-long",
    "1/27": "redirection-loop-detected",
    "1/30": "dl-expansion-failure",
    "3/31": "physical-rendition-attributes-not-supported",
    "0/47": "unable-to-downgrade",
    "0/49": "transfer-attempts-limit-reached",
    "0/50": "incorrect-notification-type",
    "15/11": "a reason to come",
    "5.2.2": "a full mailbox",
    "5.4.6": "a loop",
}
"""Other refusals."""


@pytest.mark.parametrize("name", ["watch", "guaranteed"])
def test_whose_fault_a_refusal_is_is_known_of_x411_as_of_rfc_3463(name: str) -> None:
    """By the patterns that come with Custody, as shells match them and as SQL does."""
    patterns = profiles.load(name).profile.refused_correctly
    for matches in (fnmatchcase, lambda status, pattern: re.search(owed.pattern(pattern), status)):
        right = {status for status in (*RIGHT, *OURS) if any(matches(status, pattern) for pattern in patterns)}
        assert right == set(RIGHT)
