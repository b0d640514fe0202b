"""What a profile may not say: what can never match, or would change nothing."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import profiles
from streams.core import scrutiny
from streams.core.errors import Misuse
from streams.core.terms import Terms

BASE = {"name": "x", "report": {"normal": 60}, "stuck": {"normal": 30}}
FLASH = """
name = "told"
report = { flash = 600, urgent = 3600 }
stuck = {}
bulk = ["dest.test"]
"""


def check(said: dict[str, Any]) -> None:
    """Check terms that say something more."""
    scrutiny.check(Terms.parse(BASE | said).profile)


def doubts(**said: Any) -> list[str]:
    """What is doubtful of them."""
    return list(scrutiny.doubts(Terms.parse(BASE | said).profile))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"findings": []}, "findings: names none"),
        ({"report": {"flash": 1, "urgent": 2}}, "report: 'flash' and 'urgent' are one priority"),
        ({"stuck": {"priority": 1, "normal": 1}}, "stuck: 'priority' and 'normal' are one priority"),
        (
            {"rules": [{"report": {"deferred": 1, "non-urgent": 2}}]},
            r"rules\[0\].report: 'deferred' and 'non-urgent' are one",
        ),
        ({"rules": [{}]}, r"rules\[0\]: says neither report nor stuck"),
        ({"rules": [{"traffic": "our", "report": {}}]}, r"rules\[0\].traffic: no class is 'our'"),
        ({"rules": [{"traffic": "Inbound", "report": {}}]}, r"rules\[0\].report: only traffic 'ours' owes a report"),
        ({"rules": [{"traffic": "bulk", "report": {}, "stuck": {}}]}, r"rules\[0\].report: only traffic 'ours'"),
        ({"rules": [{"traffic": "system", "stuck": {}}]}, r"rules\[0\].stuck: traffic 'system' owes nothing"),
        ({"rules": [{"traffic": "prob?", "stuck": {}}]}, r"rules\[0\].stuck: traffic 'prob\?' owes nothing"),
        ({"rules": [{"recipient_domain": "a@b.test", "stuck": {}}]}, r"rules\[0\].recipient_domain: .* not a domain"),
        ({"rules": [{"recipient_domain": "ops test", "stuck": {}}]}, r"rules\[0\].recipient_domain: no domain is 'ops"),
        ({"rules": [{"originator_domain": "a.test,b.test", "stuck": {}}]}, r"rules\[0\].originator_domain: no domain"),
        ({"bulk": ["al@a.test", "example.com"]}, r"bulk\[1\]: 'example.com' is no address"),
        ({"refused_correctly": ["foo"]}, r"refused_correctly\[0\]: no status is 'foo'"),
        ({"refused_correctly": ["*", "5.1"]}, r"refused_correctly\[1\]: no status is '5.1'"),
        ({"refused_correctly": ["550*"]}, r"refused_correctly\[0\]: no status is '550\*'"),
        ({"refused_correctly": [""]}, r"refused_correctly\[0\]: no status is ''"),
        ({"unread": {"mailboxes": ["*/INBOX", "carol@dest.test"]}}, r"unread.mailboxes\[1\]: .* names no mailbox"),
        ({"unread": {"rules": [{"mailbox": "INBOX"}]}}, r"unread.rules\[0\].mailbox: 'INBOX' names no mailbox"),
    ],
)
def test_what_is_meaningless_is_refused_with_place_and_reason(said: dict[str, Any], reason: str) -> None:
    """Whoever wrote it learns where, and what is wrong."""
    with pytest.raises(Misuse, match=reason):
        check(said)


@pytest.mark.parametrize(
    "said",
    [
        {"findings": ["stuck"]},
        {"report": {}, "stuck": {}},
        {"report": {"override": 1, "flash": 2, "immediate": 3, "normal": 4, "routine": 5, "deferred": 6}},
        {"report": {"flash": 1}, "stuck": {"urgent": 1}},
        {"rules": [{"report": {}}, {"traffic": "[or]*s", "report": {}}, {"traffic": "OURS", "report": {}}]},
        {"rules": [{"traffic": "*", "stuck": {}}, {"traffic": "bulk", "stuck": {}}, {"traffic": "[sr]*", "stuck": {}}]},
        {"rules": [{"originator_domain": "", "stuck": {}}, {"recipient_domain": "[[]192.0.2.?]", "stuck": {}}]},
        {"rules": [{"recipient_domain": "*.Mil.test", "stuck": {}}, {"recipient_domain": "[!,]x", "stuck": {}}]},
        {"bulk": ["News-*@x", "*", "", "news?lists.test", "news[@+]lists.test"]},
        {"refused_correctly": ["*", "5.*", "*.1", "?.1.[12]", "[45].7.[!0]*", "5.7.509", "1/*", "0/11"]},
        {"refused_correctly": []},
        {"unread": {"mailboxes": ["*", "carol@dest.test?INBOX", "carol@*"], "rules": [{"mailbox": "*/Junk"}]}},
    ],
)
def test_what_can_match_is_right(said: dict[str, Any]) -> None:
    """However odd it looks."""
    check(said)


STATUSES = st.from_regex(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True)


@given(status=STATUSES, wild=st.lists(st.sampled_from(["", "*", "?", "[!x]", "[0-9.]"]), min_size=9, max_size=9))
def test_no_pattern_that_matches_a_status_is_refused(status: str, wild: list[str]) -> None:
    """Whatever stands in the place of its characters."""
    pattern = "".join(piece or character for character, piece in zip(status, wild, strict=False))
    assert fnmatchcase(status, pattern)
    check({"refused_correctly": [pattern]})


def test_mailboxes_that_no_finding_looks_at_are_doubtful() -> None:
    """Their copies are counted, and none is found; terms that watch none, or find one of the two, are not doubtful."""
    watched = {"mailboxes": ["*/INBOX"]}
    (doubt,) = doubts(findings=["stuck"], unread=watched)
    assert "neither unread nor not-read" in doubt
    assert doubts(findings=["stuck"], unread={"rules": [{"mailbox": "duty-*/INBOX", "after": 1}]})
    assert not doubts(findings=["stuck"], unread={"rules": [{"mailbox": "robot@*/*"}]})
    assert not doubts(findings=["stuck"])
    assert not doubts(findings=["not-read"], unread=watched)
    assert not doubts(unread=watched)


@pytest.mark.parametrize("name", profiles.shipped())
def test_a_shipped_profile_is_neither_refused_nor_doubtful(name: str) -> None:
    """Who begins with one is told nothing about it."""
    assert not list(scrutiny.doubts(profiles.load(name).profile))


def test_what_a_ledger_was_told_is_read_as_it_stands() -> None:
    """A refusal that is newer than the ledger ends no worker; whoever comes with the same terms is refused."""
    assert profiles.parse(FLASH, "the ledger's terms").profile.name == "told"
    with pytest.raises(Misuse, match=r"^mine.toml: terms: report: 'flash' and 'urgent'"):
        profiles.checked(FLASH, "mine.toml")
