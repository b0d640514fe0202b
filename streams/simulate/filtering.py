"""Content filters: a switch hands what is large to a filter on its host, which hands it back under another queue id.

Rules:
- Mail of people is looked at, whatever way it came in (by hand again, too); what the filter handed back is not.
- What goes in a circle is left to the switches that hand it to each other.
"""

from typing import TYPE_CHECKING

from streams.simulate.acts import FILTER, Via
from streams.simulate.letters import INBOUND, MAIL, Entry, Owing, Round
from streams.simulate.network import FILTERING

if TYPE_CHECKING:
    from streams.simulate.play import Play

PORT = 10_024
TAKES = (200_000, 3_000_000)
"""Shortest and longest look, microseconds."""


def looks_at(play: "Play", entry: Entry) -> bool:
    """Does an entry go to its host's filter first."""
    letter = entry.letter
    if entry.filtered or entry.host not in FILTERING or letter.fault == "loop":
        return False
    return letter.kind in {MAIL, INBOUND} and letter.size > play.habits.large


def look(play: "Play", this: Round, owed: list[Owing]) -> None:
    """The filter takes an entry, and hands it back before it says so."""
    entry, when = this.entry, this.at + play.chance.randint(*TAKES)
    copies = [Owing(to=one.to, ticket=one.ticket, original=one.original, notify=one.notify, asked=None) for one in owed]
    made = play.enter(
        when, entry.host, entry.letter, copies, Via.FILTER, trace=entry.trace, parent=entry.queue_id,
        client="localhost", address=FILTER, service="reinject/smtpd",
    )  # fmt: skip
    made.filtered = True
    reply = f"250 2.0.0 Ok: queued as {made.queue_id}"
    for number, one in enumerate(owed):
        play.tried(when + 1_000 + number, entry, one, status="sent", dsn="2.0.0", reply=reply,
                   next_id=made.queue_id, relay=FILTER, address=FILTER, port=PORT)  # fmt: skip
        one.open = False
    this.end = max(this.end, when + 1_000 + len(owed))
