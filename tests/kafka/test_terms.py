"""The terms that a ledger declares, and who works under others."""

import msgspec
import pytest

from streams import profiles
from streams.core.errors import Misuse
from streams.kafka import progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.terms import KEY, TERMS, TermsWatch, latest_terms, terms_of
from streams.kafka.writer import write_all
from streams.settings import Settings
from tests.kafka.memory import told


def test_they_are_found_where_they_are_declared() -> None:
    """Under the name that no source may have."""
    key, _ = progress.declared(TERMS, live=False, terms="1", text="")
    assert key == KEY


def test_terms_that_cannot_be_read_are_not_the_default() -> None:
    """Who asks for them is refused; other terms, declared after them, count again."""
    first = progress.declared(TERMS, live=False, terms="1", text=profiles.text_of("guaranteed"))
    broken = (first[0], b"foreign")
    with pytest.raises(Misuse, match="offset 1") as caught:
        terms_of(told(first, broken))
    assert caught.value.hint
    assert terms_of(told(broken, first))[1].profile.name == "guaranteed"
    assert terms_of(told())[1].profile.name == profiles.DEFAULT


def test_the_terms_that_were_declared_last_supersede_all_others(caplog: pytest.LogCaptureFixture) -> None:
    """Older ones do not; where the last cannot be read, those before them stand."""
    watch, guaranteed = (
        progress.declared(TERMS, live=False, terms="1", text=profiles.text_of(name)) for name in ("watch", "guaranteed")
    )
    log = told(progress.progressed("mx1", 5))
    mine = TermsWatch(log, profiles.load("guaranteed"))
    for said, superseded in ((watch, True), (guaranteed, False), ((guaranteed[0], b"foreign"), False), (watch, True)):
        log.topics["progress"][0].append(said)
        assert mine.superseded() is superseded
    assert not TermsWatch(log, profiles.load("watch")).superseded()
    assert not TermsWatch(told(), profiles.load("watch")).superseded()
    assert all(message.startswith("terms were passed over: offset 3") for message in caplog.messages)


def test_what_was_looked_at_is_not_read_again() -> None:
    """A ledger's sources say much between two looks at its terms."""
    log = told(progress.progressed("mx1", 5))
    watch = TermsWatch(log, profiles.load("watch"))
    others = progress.declared(TERMS, live=False, terms="1", text=profiles.text_of("guaranteed"))
    assert not watch.superseded()
    log.topics["progress"][0][:] = [others, progress.progressed("mx1", 6)]
    assert not watch.superseded()
    log.topics["progress"][0].append(others)
    assert watch.superseded()


@pytest.mark.service
def test_the_last_terms_count(stack: Settings, ledger: str) -> None:
    """Whatever is said after them; a ledger may have none."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    assert latest_terms(KafkaLog(settings)) is None
    said = [progress.declared(TERMS, live=False, terms=text, text=text) for text in ("first", "second")]
    write_all(settings, "progress", [*said, progress.progressed("mx1", 5)])
    assert latest_terms(KafkaLog(settings)) == "second"
