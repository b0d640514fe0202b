"""What sources say of themselves."""

import msgspec
import pytest

from streams.core.errors import Undecodable
from streams.kafka import progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.writer import write_all
from streams.settings import Settings
from tests.kafka.memory import told


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
    said = [
        progress.declared("terms", live=False, terms="1", text=""),
        *(progress.declared(name, live=True, terms="", text="") for name in ("mx1", "mx2", "mx3")),
        progress.declared("import", live=False, terms="", text=""),
        progress.progressed("import", 5),
        *(progress.withdrawn(name) for name in ("mx1", "mx2")),
        *(progress.progressed(name, 5, live=True) for name in ("mx1", "mx2")),
        progress.declared("mx2", live=True, terms="", text=""),
        progress.declared("mx3", live=False, terms="", text=""),
    ]
    assert progress.live_sources(told(*said)) == {"mx2", "mx3"}


def test_a_claim_is_one_of_a_source_that_is_declared() -> None:
    """Not of one that was withdrawn while it was read; what an import claimed stands while it is imported again."""
    said = [
        *(progress.declared(name, live=False, terms="", text="") for name in ("a", "b", "c")),
        progress.progressed("a", 7),
        progress.declared("a", live=False, terms="", text=""),
        progress.withdrawn("b"),
        progress.progressed("b", 5),
    ]
    assert progress.claims(told(*said)) == {"a": 7}
    assert [name for name, one in progress.known(told(*said)).items() if not one.has_ended] == ["a", "c"]


def test_what_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """In silence: it stands in the log for ever, and the clock writer has told of it."""
    log = told(progress.progressed("mx1", 5), (b"progressed/mx2", b"foreign"))
    assert [said["source"] for said in progress.all_progress(log)] == ["mx1"]
    assert not caplog.messages


@pytest.mark.service
def test_a_ledger_remembers_what_was_said(stack: Settings, ledger: str) -> None:
    """Oldest first, foreign records passed over."""
    settings = msgspec.structs.replace(stack, ledger=ledger)
    topics.create(settings)
    said = [progress.progressed("mx2", 4), (b"?", b"foreign"), progress.progressed("mx1", 5)]
    write_all(settings, "progress", said)
    assert [said["source"] for said in progress.all_progress(KafkaLog(settings))] == ["mx2", "mx1"]
