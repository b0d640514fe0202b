"""What smtpd, postscreen and cleanup turn away while a client is connected; their lines are counted, and told of.

Rules:
- A line is the refusal of one recipient, or of what was sent by then. Lines that are alike within one second are told
  apart by process and by an ordinal, so that a log that is read again, or by two paths, tells of the same rejections.
- What only warns (`reject_warning`) refused nobody.
"""

import re
from typing import Final

from streams.collect import postfix_text as texts
from streams.collect.postfix_desk import Desk
from streams.collect.postfix_entry import Entry
from streams.collect.rejection import Rejection

LONGEST = 500
"""Characters of what a client was told that are kept."""

_CLIENT = r"(?P<client>[^\s\[\]]{0,255})\[(?P<address>[^\s\[\]]{0,64})\](?::\d{1,5})?"
_REPLY = r"(?:(?P<code>\d{3}) )?(?:(?P<status>[245]\.\d{1,3}\.\d{1,3}) )?(?P<words>.*)"
_SAID: Final = re.compile(
    rf"(?:milter-)?reject: (?P<stage>[A-Z-]{{3,20}}(?: content)?) from {_CLIENT}: {_REPLY}", re.DOTALL
)
_CONTENT: Final = re.compile(
    rf"reject: (?P<stage>header|body) .{{0,1000}} from {_CLIENT}; (?P<parties>from=<.*?): {_REPLY}", re.DOTALL
)
"""Of a check of cleanup's: the parties stand before the reply."""

_REFUSALS: Final = ("reject: ", "milter-reject: ")

_BEHIND: Final = re.compile(r"; (?=from=<|proto=)")
_NAMES: Final = re.compile(r"from=<([^>]{0,512})>(?:,? to=<([^>]{0,512})>)?")


def screened(desk: Desk, queue_id: str, _: Entry | None, rest: str) -> None:
    """A line of postscreen, that names an entry: there is none."""
    screen(desk, f"{queue_id}: {rest}")


def screen(desk: Desk, text: str) -> None:
    """A line of postscreen, which stands before smtpd."""
    if text.startswith("NOQUEUE: "):
        turn_away(desk, text[9:])
    desk.ignore("postscreen")


def count(desk: Desk, said: str, queue_id: str = "") -> None:
    """A line of smtpd: what it refuses is counted by its code."""
    turn_away(desk, said, queue_id)
    desk.ignore(f"smtpd {texts.rejection(said)}".rstrip())


def turn_away(desk: Desk, said: str, queue_id: str = "") -> None:
    """Tell of a refusal, if the words of a line are one."""
    hear = desk.counts.rejected
    if hear is None or not said.startswith(_REFUSALS):
        return
    found = _SAID.match(said) or _CONTENT.match(said)
    if found is None:
        return
    words, parties = _told(found)
    names = _NAMES.match(parties)
    recipient = (names[2] or "") if names else ""
    code, status = found["code"], found["status"] or ""
    head = desk.head
    service = f"{head.service}/{head.daemon}" if head.service else head.daemon
    where = f"{desk.spool.host}/{service}[{head.pid}]"
    outcome = "|".join(
        (found["stage"], found["client"], found["address"], code or "", status, names[1] if names else "")
    )
    hear(
        Rejection(
            rejection_id=desk.fact("rejected", desk.at, Entry(queue_id, desk.at, where), recipient, outcome),
            occurred_at=desk.at,
            observed_at=desk.observed_at,
            host=desk.spool.host,
            service=service,
            stage=found["stage"],
            client=found["client"],
            address=found["address"],
            code=int(code) if code else None,
            status=status,
            originator=names[1] if names else None,
            recipient=recipient,
            queue_id=queue_id,
            diagnostic=words[:LONGEST],
            source=desk.source,
            file=desk.file,
            offset=desk.offset,
        )
    )


def _told(found: re.Match[str]) -> tuple[str, str]:
    """The words of the reply, and what names the parties."""
    if "parties" in found.re.groupindex:
        return found["words"], found["parties"]
    words, *behind = _BEHIND.split(found["words"], maxsplit=1)
    return words, "".join(behind)
