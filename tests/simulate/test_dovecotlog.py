"""What the simulated store writes reads like what Dovecot wrote in the laboratory."""

import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.simulate.acts import Expunged, Moved
from streams.simulate.dovecotlog import DovecotLog
from tests.simulate.worlds import Stage, journey

DATA = Path(__file__).parents[1] / "data"
_SHAPES = (
    (re.compile(r"^(lmtp|imap)\((?:[^)@]+@[^)]+)\)<\d+><[^>]+>"), r"\1(USER)<P><S>"),
    (re.compile(r"^(lmtp)\(\d+\)"), r"\1(P)"),
    (re.compile(r"(?:onnect from) \S+?(:|$)"), r"onnect from A\1"),
    (re.compile(r", from=.*, subject=.*?(?=, flags=|$)"), ""),
    (re.compile(r"flags=\(.*\)$"), "flags=(F)"),
    (re.compile(r"(trashed|hdr_count|hdr_bytes|body_count|body_bytes|deleted|expunged)=\d+ ?"), ""),
    (re.compile(r"(user|msgid|session)=<[^>]*>"), r"\1=<A>"),
    (re.compile(r"msgid=(?=, )"), "msgid=<A>"),
    (re.compile(r"(uid|size|vsize|mpid|rip|lip|in|out)=[\d.]+"), r"\1=N"),
    (re.compile(r"(box=|copy from |saved mail to )[\w.-]+"), r"\1B"),
)


def shape(text: str) -> str:
    """A line's form without what differs from message to message."""
    for pattern, name in _SHAPES:
        text = pattern.sub(name, text)
    return text.strip()


def real() -> Iterator[str]:
    """What stands behind the time in the laboratory's logs."""
    for file in (*(DATA / "dovecot").glob("*.log.xz"), DATA / "day" / "dovecot.log.xz"):
        for line in lzma.decompress(file.read_bytes()).decode("utf-8", "replace").splitlines():
            yield line.partition(" ")[2]


def lines(stage: Stage) -> list[str]:
    """What the store says of all acts."""
    log = DovecotLog()
    return [text for act in stage.acts if act.host == "store" for _, text in log.lines(act)]


def told(stage: Stage) -> Stage:
    """A copy that was moved, and another that left."""
    _, _, copy = journey(stage)
    place: dict[str, Any] = {
        "at": stage.later(1),
        "host": "store",
        "user": copy.user,
        "message_id": copy.message_id,
        "session": "s1",
    }
    stage.acts.append(Moved(**place, mailbox="INBOX", uid=copy.uid, to_mailbox="Archive", to_uid=1))
    stage.acts.append(Expunged(**place, mailbox="Archive", uid=1, seen=True))
    return stage


def test_every_line_has_a_form_that_real_logs_have() -> None:
    """LMTP, mail_log and IMAP sessions."""
    shapes = set(map(shape, real()))
    said = lines(told(Stage()))
    assert len(said) > 10
    assert [text for text in said if shape(text) not in shapes] == []


def test_a_long_message_id_is_cut() -> None:
    """mail_log shows eighty characters."""
    stage = Stage()
    stage.store(stage.enter(message_id=f"<{'x' * 90}@alpha.example>"))
    (saved,) = [text for text in lines(stage) if "save: " in text]
    assert f"msgid=<{'x' * 76}..., size=" in saved


def test_sieve_says_where_it_put_a_message_or_that_it_threw_it_away() -> None:
    """Junk is a mailbox; a discard leaves no copy."""
    stage = Stage()
    entry = stage.enter()
    stage.store(entry, mailbox="Junk")
    stage.store(entry, mailbox="")
    said = lines(stage)
    assert any(f"sieve: msgid={entry.message_id}: stored mail into mailbox 'Junk'" in text for text in said)
    assert any(f"sieve: msgid={entry.message_id}: marked message to be discarded" in text for text in said)
    assert sum("save: " in text for text in said) == 1
