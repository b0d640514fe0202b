"""Terms as the engine's parameters mean what they mean in the core."""

import random
import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.terms import SECOND, Terms
from streams.settings import Settings
from streams.warehouse import owed
from streams.warehouse.client import connect

TEXTS = st.text("abA.-*?[]!^\\$", max_size=6)


SHELLS = st.text("ab-[]!^*:", max_size=7)


@pytest.mark.parametrize("shell", ["*@dest.test/INBOX", "a*b*c", "[!a]b?", "[]a]*", "x[", "no.dot", "", "**", r"a\b"])
@given(text=TEXTS)
def test_a_pattern_matches_what_the_shell_pattern_matches(shell: str, text: str) -> None:
    """Shell patterns and their regular expressions are the same test."""
    for one in (text, shell, shell.replace("*", text), shell.replace("?", "a").replace("[!a]", "b")):
        assert bool(re.search(owed.pattern(shell), one)) == fnmatchcase(one, shell)


@given(shell=SHELLS, text=SHELLS)
def test_any_shell_pattern_means_what_it_means_in_the_core(shell: str, text: str) -> None:
    """Also a class with a caret in it, none that is closed, or a range that is empty."""
    assert bool(re.search(owed.pattern(shell), text)) == fnmatchcase(text, shell)


@pytest.mark.service
def test_the_engine_reads_any_shell_pattern_alike(stack: Settings) -> None:
    """It refuses none, or nothing would be derived from terms that have it."""
    chance = random.Random(5)  # noqa: S311 - a test's patterns
    pairs = [
        *(("[^a]", "b"), ("[^a]", "^"), ("[z-a].test", "b.test"), ("[!z-a]", "b"), ("[[:alpha:]]", ":]"), ("[]", "[]")),
        *(
            tuple("".join(chance.choices("ab-[]!^*?:\\&|~. #", k=chance.randrange(7))) for _ in "12")
            for _ in range(600)
        ),
    ]
    client, question = (
        connect(stack, database=False),
        "SELECT arrayMap(p -> match(p.2, p.1), {asked:Array(Tuple(String, String))})",
    )
    for start in range(0, len(pairs), 15):
        some = pairs[start : start + 15]
        asked = {"asked": [(owed.pattern(shell), text) for shell, text in some]}
        ((said,),) = client.query(question, parameters=asked).result_rows
        assert [bool(one) for one in said] == [fnmatchcase(text, shell) for shell, text in some], some


def test_levels_end_with_one_for_all_below() -> None:
    """The highest level not above a priority, else the lowest there is."""
    terms = Terms.parse({"name": "x", "report": {"urgent": 1, "normal": 2}, "stuck": {}})
    (rule,) = owed.parameters(terms)["owed"]
    assert rule == ("", "", "", 1, [(4, SECOND), (0, 2 * SECOND), (-128, 2 * SECOND)], 1, [], "")


def test_of_two_names_of_one_level_the_engine_has_the_least_term() -> None:
    """As the core has, so that the two derivations agree."""
    terms = Terms.parse({"name": "x", "report": {"flash": 1, "urgent": 6}, "stuck": {"urgent": 7, "flash": 8}})
    (rule,) = owed.parameters(terms)["owed"]
    assert rule[4] == [(4, SECOND), (-128, SECOND)]
    assert rule[6] == [(4, 7 * SECOND), (-128, 7 * SECOND)]


def test_patterns_are_asked_for_in_lower_case() -> None:
    """The engine compares them with addresses in lower case."""
    rules = [{"grade": "High", "originator_domain": "A.test", "recipient_domain": "B.test", "stuck": {}}]
    more = {"bulk": ["News@X"], "rules": rules, "unread": {"mailboxes": ["*/INBOX"]}}
    given = owed.parameters(Terms.parse({"name": "x", "report": {}, "stuck": {}} | more))
    _, rule = given["owed"]
    found = zip((*given["bulk"], rule[1], rule[2], rule[7]), ("news@x", "a.test", "b.test", "high"), strict=True)
    assert all(re.search(one, text) for one, text in found)
    assert re.search(given["watched"][1][0], "bo@b.test/inbox")


def test_a_rule_says_which_terms_it_has() -> None:
    """A rule without terms for reports leaves those before it; one with none at all takes them away."""
    rules = [{"traffic": "inbound", "stuck": {"normal": 1}}, {"recipient_domain": "X.test", "report": {}}]
    terms = Terms.parse({"name": "x", "report": {"normal": 2}, "stuck": {}, "rules": rules})
    _, one, other = owed.parameters(terms)["owed"]
    assert (one[3], one[5]) == (0, 1)
    assert (other[3], other[4], other[5]) == (1, [], 0)
    assert re.search(other[2], "x.test")
