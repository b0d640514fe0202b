"""Names in capital and in small letters: stream and SQL fold all of them alike, not those of ASCII only."""

import random
import sys
import unicodedata

import msgspec
import pytest

from streams.core.events import MessageEvent
from streams.core.terms import Terms
from streams.settings import Settings
from streams.warehouse.client import ask, connect
from streams.warehouse.migrations import migrate
from streams.warehouse.questions import Warehouse
from tests.core.journeys import TERMS, opened, reported, stored, submitted
from tests.warehouse.ledgers import Ledger, assert_agree

NAMES = ["MÜLLER", "ΟΔΟΣ", "ΣΑΣ.Σ", "БОРИС", "İPEK", "STRAẞE", "ᲗᲑᲘᲚᲘ", "ＭＩＮＡ"]  # noqa: RUF001 - they are meant
"""Latin, Greek with its two small sigmas, Cyrillic, a letter that becomes two, a late one, Georgian, wide ones."""

pytestmark = pytest.mark.service


def words() -> list[str]:
    """Every character that this Python knows, and some thousand words of letters that look at their neighbours."""
    characters = [chr(one) for one in range(1, sys.maxunicode + 1)]
    known = [one for one in characters if unicodedata.category(one) not in {"Cn", "Cs"}]
    chosen = random.Random(1)  # noqa: S311 - the same words in every run
    some = "ΣσςΑαAbİIıẞÜ1.'-_@:·\u0301\u0345\u00ad\u2019 /ǅÅ中"  # noqa: RUF001 - they are meant
    return known + ["".join(chosen.choices(some, k=chosen.randint(2, 8))) for _ in range(20_000)]


def test_the_engine_folds_as_python_does(stack: Settings, ledger: str) -> None:
    """Letter by letter, and where a letter's small form depends on those around it."""
    client = connect(stack, database=False)
    client.command(f"CREATE DATABASE {ledger}")
    client.command(f"CREATE TABLE {ledger}.words (word String, small String) ORDER BY word")
    client.insert("words", [(word, word.lower()) for word in words()], ["word", "small"], database=ledger)
    found = ask(client, f"SELECT word, small FROM {ledger}.words WHERE lowerUTF8(word) != small")  # noqa: S608 - our name
    assert found == []


def told(name: str) -> list[MessageEvent]:
    """What is told of somebody in capital letters by one, in small ones by another, in each place where it counts."""
    capital, small = f"{name}@dest.test", f"{name}@dest.test".lower()
    credited, watched, own = f"{name} credited", f"{name} watched", f"{name} reported"
    return [
        *submitted(0, "A1", capital, key=credited),
        *stored(3, ("relay", "B1"), credited, small, key=credited),
        *opened(5, credited, small, key=credited),
        *stored(6, ("relay", "B2"), f"{credited} again", capital, key=credited),
        *submitted(0, "A2", f"bob@{name}.test", key=f"{name} domain"),
        *submitted(0, "A3", key=f"{name} bulk", originator=f"{name}@origin.test"),
        *submitted(0, "A4", key=f"{name} grade", attributes=(f"grade={name}",)),
        *stored(3, ("relay", "B5"), watched, capital, key=watched),
        *submitted(0, "A6", capital, key=own),
        *reported(9, ("origin", "A6"), recipient=small, key=own),
    ]


def test_stream_and_sql_agree_on_a_name_in_any_case(stack: Settings) -> None:
    """Whose evidence is, what is owed, what is bulk, whose mailbox is watched, which copy is another's."""
    by_domain = [{"recipient_domain": f"{name}.test".lower(), "report": {"normal": 7}} for name in NAMES]
    by_grade = [{"grade": name.lower(), "report": {"normal": 8}} for name in NAMES]
    unread = {"after": 100, "mailboxes": [f"{name}@*/inbox".lower() for name in NAMES]}
    terms = TERMS | {"rules": by_domain + by_grade, "bulk": [f"{name}@*".lower() for name in NAMES], "unread": unread}
    both = Ledger.made(stack, Terms.parse(terms))
    both.write([one for name in NAMES for one in told(name)])
    both.tick(500)
    both.derive()
    assert_agree(both)
    asked = "SELECT message_key, toUnixTimestamp64Micro(report_due) AS due, class, proof FROM custody"
    units = {row["message_key"]: row for row in both.ask(asked)}
    for name in NAMES:
        assert (units[f"{name} domain"]["due"], units[f"{name} grade"]["due"]) == (7_000_000, 8_000_000)
        assert (units[f"{name} bulk"]["class"], units[f"{name} credited"]["proof"]) == ("not_expected", "store")
    domains = both.ask("SELECT recipient_domain FROM reliability_by_domain")
    assert {row["recipient_domain"] for row in domains} == {"dest.test", *(f"{name}.test".lower() for name in NAMES)}


def test_a_name_is_found_in_any_case(stack: Settings) -> None:
    """As it is copied from a screen or typed, before it is derived and after."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write([one for name in NAMES for one in submitted(0, "A1", f"{name}@dest.test", key=f"{name}.only")])
    asked = Warehouse(both.client)
    for _ in range(2):
        for name in NAMES:
            for one in (f"{name}@dest.test", f"{name}@dest.test".lower()):
                assert [row["message_key"] for row in asked.candidates(one)] == [f"{name}.only"]
        both.tick(500)
        both.derive()
    assert [row["recipient"] for row in asked.units(f"{NAMES[0]}.only", "Müller@dest.test")] == ["MÜLLER@dest.test"]


def test_an_older_database_finds_names_in_small_letters(stack: Settings) -> None:
    """What was derived with letters of ASCII only is derived anew, and the index is of what is asked for."""
    both = Ledger.made(stack, Terms.parse(TERMS))
    both.write(submitted(0, "A1", "MÜLLER@dest.test"))
    both.tick(500)
    both.derive()
    client = both.client
    client.command("ALTER TABLE event_records DROP INDEX by_small_recipient")
    client.command("ALTER TABLE event_records ADD INDEX by_recipient lower(recipient) TYPE bloom_filter GRANULARITY 2")
    client.command("TRUNCATE TABLE recipient_keys")
    client.command("INSERT INTO recipient_keys SELECT lower(recipient), message_key, now(), now() FROM leg_records")
    client.command("ALTER TABLE migrations DELETE WHERE name >= '017' AND name < '018' SETTINGS mutations_sync = 1")
    settings = msgspec.structs.replace(stack, ledger=client.database.removeprefix("custody_"))
    migrate(settings)
    migrate(settings)
    assert both.ask("SELECT * FROM recipient_keys") == []
    assert [row["message_key"] for row in Warehouse(client).candidates("Müller@dest.test")] == ["m"]
    assert both.derive() == 1
    assert both.ask("SELECT recipient FROM recipient_keys FINAL") == [{"recipient": "müller@dest.test"}]
    indexed = "SELECT name, expr FROM system.data_skipping_indices"
    indexed += " WHERE database = currentDatabase() AND table = 'event_records' AND name LIKE '%recipient%'"
    assert both.ask(indexed) == [{"name": "by_small_recipient", "expr": "lowerUTF8(recipient)"}]
    asked = "EXPLAIN indexes = 1 SELECT 1 FROM event_records WHERE lowerUTF8(recipient) = 'x@y.test'"
    assert any("by_small_recipient" in row["explain"] for row in both.ask(asked))
