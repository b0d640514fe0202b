"""Receipts (RFC 8098): a letter may ask for one, and whoever opens it, or throws it away, may answer.

Rules:
- What asks is the letter's Disposition-Notification-To header; nothing owes an answer, and many never come.
- A receipt is a mail of its own: from the reader's client through the switches to the originator's mailbox. A reader
  outside answers, too, where their mail system is one that talks.
- Half of the clients send the headers of what they answer, with its trace; the others name its Message-ID alone. Half
  of them say for whom it was first.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streams.simulate.acts import Stay, Told, Via
from streams.simulate.faults import HOUR, MINUTE
from streams.simulate.letters import RECEIPT, About, Letter, Owing
from streams.simulate.network import SERVICE, Peer

if TYPE_CHECKING:
    from streams.simulate.play import Play

SECOND = 1_000_000
BY_HAND, SHOWN = 0.5, 0.5
"""Shares: of receipts, of clients that send the headers and of readers who say for whom it was."""

SIZE = 2_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who answers.

    Attributes:
        to: their address.
        original: address that the letter was written to.
        host: switch that their client submits to, or hub that their mail system hands the receipt to.
        ticket: number.
        trace: of the letter, as it lies there.
        peer: their mail system, where it is outside.
    """

    to: str
    original: str
    host: str
    ticket: int
    trace: tuple[Stay, ...]
    peer: Peer | None = None


def answer(play: "Play", at: int, letter: Letter, reader: Reader, disposition: str) -> None:
    """A reader's client may answer, a little later."""
    if letter.receipt and play.chance.random() < play.habits.answered:
        play.later(at + play.chance.randint(SECOND, MINUTE), _send, play, letter, reader, disposition)


def from_outside(play: "Play", at: int, letter: Letter, reader: Reader) -> None:
    """Somebody outside opens a letter within hours."""
    answer(play, at + play.chance.randint(MINUTE, 3 * HOUR), letter, reader, "displayed")


def _send(at: int, play: "Play", letter: Letter, reader: Reader, disposition: str) -> None:
    up = play.trouble.up_at(reader.host, at)
    if up:
        play.later(up + play.chance.randint(SECOND, MINUTE), _send, play, letter, reader, disposition)
        return
    chance = play.chance
    says = chance.random() < SHOWN if reader.original != reader.to else letter.number % 2 == 0
    told = Told(final=reader.to, original=reader.original if says else "", action=disposition, status="")
    shown = chance.random() < SHOWN or not letter.message_id
    about = About(
        by=reader.host, by_queue_id="", by_arrived=0, message_id=letter.message_id, sender=letter.sender,
        trace=reader.trace if shown else (), told=(told,), tickets=(reader.ticket,), disposition=disposition,
        by_hand=chance.random() < BY_HAND,
    )  # fmt: skip
    made = play.letter(RECEIPT, "", message_id="", size=SIZE, about=about)
    made.message_id = f"<mdn{made.number}.{chance.getrandbits(32):08x}@{reader.to.rpartition('@')[2]}>"
    owing = Owing(to=letter.sender, ticket=play.ticket(made, letter.sender), original=letter.sender, notify=False,
                  asked=None)  # fmt: skip
    play.enter(at, reader.host, made, [owing], Via.SMTP if reader.peer else Via.SERVICE, **_client(play, reader))


def _client(play: "Play", reader: Reader) -> dict[str, Any]:
    if reader.peer:
        return {"client": reader.peer.name, "address": reader.peer.address, "service": "smtpd"}
    address = f"203.0.113.{play.chance.randint(1, 254)}"
    return {"client": "unknown", "address": address, "service": f"{SERVICE}/smtpd"}
