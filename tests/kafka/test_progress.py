"""What sources say of themselves."""

import msgspec
import pytest

from streams import profiles
from streams.core.errors import Misuse, Undecodable
from streams.kafka import progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.writer import write_all
from streams.settings import Settings
from tests.kafka.memory import MemoryLog


def _log(*records: tuple[bytes, bytes]) -> MemoryLog:
    log = MemoryLog(Settings())
    writer = log.writer()
    for key, value in records:
        writer.write("progress", key, value)
    writer.flush()
    return log


def test_a_source_says_how_far_it_is() -> None:
    """Its name, the time, and whether it can be silent; the key keeps the last word of each source."""
    key, value = progress.progressed("mx1", 1_795_424_400_000_001, live=True)
    said = progress.read(value)
    assert key == b"progressed/mx1"
    assert (said["source"], said["kind"], said["through"], said["live"]) == (
        "mx1", "progressed", 1_795_424_400_000_001, True,
    )  # fmt: skip


def test_a_declaration_carries_its_text() -> None:
    """Terms and declarations are records of the log."""
    said = progress.read(progress.declared("terms", live=False, terms="v1", text="[a]")[1])
    assert (said["kind"], said["terms"], said["text"], said["through"]) == ("declared", "v1", "[a]", None)


def test_a_declaration_and_its_progress_do_not_replace_each_other() -> None:
    """Compaction keeps the last of each kind."""
    keys = {progress.declared("s", live=False, terms="", text="")[0], progress.progressed("s", 1)[0]}
    assert len(keys | {progress.withdrawn("s")[0]}) == 3


def test_what_is_no_progress_is_refused() -> None:
    """Foreign bytes are a peer's fault."""
    with pytest.raises(Undecodable):
        progress.read(b"\0\0\0\0\6rest")


def test_a_live_source_is_one_that_is_followed_until_it_is_withdrawn() -> None:
    """Neither an import nor the terms; what is withdrawn is one when it is declared again, whatever it says before."""
    told = [
        progress.declared("terms", live=False, terms="1", text=""),
        *(progress.declared(name, live=True, terms="", text="") for name in ("mx1", "mx2", "mx3")),
        progress.declared("import", live=False, terms="", text=""),
        progress.progressed("import", 5),
        *(progress.withdrawn(name) for name in ("mx1", "mx2")),
        *(progress.progressed(name, 5, live=True) for name in ("mx1", "mx2")),
        progress.declared("mx2", live=True, terms="", text=""),
        progress.declared("mx3", live=False, terms="", text=""),
    ]
    assert progress.live_sources(_log(*told)) == {"mx2", "mx3"}


def test_a_claim_is_one_of_a_source_that_is_declared() -> None:
    """Not of one that was withdrawn while it was read; what an import claimed stands while it is imported again."""
    told = [
        *(progress.declared(name, live=False, terms="", text="") for name in ("a", "b", "c")),
        progress.progressed("a", 7),
        progress.declared("a", live=False, terms="", text=""),
        progress.withdrawn("b"),
        progress.progressed("b", 5),
    ]
    assert progress.claims(_log(*told)) == {"a": 7}
    assert [name for name, one in progress.known(_log(*told)).items() if not one.has_ended] == ["a", "c"]


def test_what_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """In silence: it stands in the log for ever, and the clock writer has told of it."""
    log = _log(progress.progressed("mx1", 5), (b"progressed/mx2", b"foreign"))
    assert [said["source"] for said in progress.all_progress(log)] == ["mx1"]
    assert not caplog.messages


def test_terms_that_cannot_be_read_are_not_the_default() -> None:
    """Who asks for them is refused; other terms, declared after them, count again."""
    first = progress.declared("terms", live=False, terms="1", text=profiles.text_of("guaranteed"))
    broken = (first[0], b"foreign")
    with pytest.raises(Misuse, match="offset 1") as caught:
        progress.terms_of(_log(first, broken))
    assert caught.value.hint
    assert progress.terms_of(_log(broken, first))[1].profile.name == "guaranteed"
    assert progress.terms_of(_log())[1].profile.name == profiles.DEFAULT


def test_the_terms_that_were_declared_last_supersede_all_others(caplog: pytest.LogCaptureFixture) -> None:
    """Older ones do not; where the last cannot be read, those before them stand."""
    watch, guaranteed = (
        progress.declared("terms", live=False, terms="1", text=profiles.text_of(name))
        for name in ("watch", "guaranteed")
    )
    log = _log(progress.progressed("mx1", 5))
    mine = progress.TermsWatch(log, profiles.load("guaranteed"))
    for said, superseded in ((watch, True), (guaranteed, False), ((guaranteed[0], b"foreign"), False), (watch, True)):
        log.topics["progress"][0].append(said)
        assert mine.superseded() is superseded
    assert not progress.TermsWatch(log, profiles.load("watch")).superseded()
    assert not progress.TermsWatch(_log(), profiles.load("watch")).superseded()
    assert all(message.startswith("terms were passed over: offset 3") for message in caplog.messages)


def test_what_was_looked_at_is_not_read_again() -> None:
    """A ledger's sources say much between two looks at its terms."""
    log = _log(progress.progressed("mx1", 5))
    watch = progress.TermsWatch(log, profiles.load("watch"))
    others = progress.declared("terms", live=False, terms="1", text=profiles.text_of("guaranteed"))
    assert not watch.superseded()
    log.topics["progress"][0][:] = [others, progress.progressed("mx1", 6)]
    assert not watch.superseded()
    log.topics["progress"][0].append(others)
    assert watch.superseded()


@pytest.mark.service
def test_a_ledger_remembers_what_was_said(stack: Settings, ledger: str) -> None:
    """Oldest first, foreign records passed over; the last terms count."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    assert progress.latest_terms(KafkaLog(settings)) is None
    write_all(
        settings,
        "progress",
        [
            progress.declared("terms", live=False, terms="1", text="first"),
            (b"?", b"foreign"),
            progress.declared("terms", live=False, terms="2", text="second"),
            progress.progressed("mx1", 5),
        ],
    )
    assert [said["source"] for said in progress.all_progress(KafkaLog(settings))] == ["terms", "terms", "mx1"]
    assert progress.latest_terms(KafkaLog(settings)) == "second"
