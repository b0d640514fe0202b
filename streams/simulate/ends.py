"""How a stay ends: reported, removed, put off with back-off, given up; and what peers and reports do.

Rules:
- A switch reports what it was asked to report, and every failure; it never reports a report.
- A peer that knows reports sends them itself, if it does; for one that does not, the hub says `relayed`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from streams.simulate import operators, receipts
from streams.simulate.acts import Expired, Left, Notice, Noticed, Told, Via
from streams.simulate.faults import HOUR, MINUTE
from streams.simulate.letters import MAIL, REPORT, About, Entry, Letter, Owing, Round
from streams.simulate.network import Peer
from streams.simulate.queueids import long_id
from streams.simulate.receipts import Reader

if TYPE_CHECKING:
    from streams.simulate.play import Play

SECOND = 1_000_000
BACK_OFF = (5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 66 * MINUTE)
"""Postfix: minimal_backoff_time 300 s, doubled, up to maximal_backoff_time 4000 s."""

WARNED_AFTER = 2 * HOUR
LIFETIME = 5 * HOUR
"""delay_warning_time and maximal_queue_lifetime: shorter than is usual, so that a day shows them."""

NOTICES = ((Notice.FAILED, {"failed"}), (Notice.DELIVERED, {"delivered", "relayed", "expanded"}))

Some = Sequence[tuple[Owing, Told]]


def conclude(play: "Play", this: Round) -> None:
    """After an attempt: report, leave, or try again."""
    entry, at = this.entry, this.end + 1_000
    for notice, actions in NOTICES:
        at = _notify(play, at, entry, notice, [pair for pair in this.told if pair[1].action in actions])
    owed = [one for one in entry.owings if one.open]
    if not owed:
        leave(play, at, entry)
        return
    age = at - entry.arrived
    if age > LIFETIME:
        _expire(play, at, entry, owed)
        return
    if age > WARNED_AFTER and not entry.warned:
        entry.warned = True
        at = _notify(play, at, entry, Notice.DELAYED, _all(owed, "delayed", "4.4.1"))
    wait = BACK_OFF[min(entry.tries, len(BACK_OFF)) - 1]
    if not operators.requeue(play, at, entry, wait):
        play.later(at + wait + play.chance.randint(0, MINUTE), play.attempt, entry)


def _all(owed: Sequence[Owing], action: str, status: str) -> Some:
    words = "delivery time expired" if action == "failed" else "still trying"
    return [
        (one, Told(final=one.to, original=one.original, action=action, status=status, diagnostic=words)) for one in owed
    ]


def _expire(play: "Play", at: int, entry: Entry, owed: Sequence[Owing]) -> None:
    tickets = tuple(one.ticket for one in owed)
    play.emit(at, Expired(at=at, host=entry.host, queue_id=entry.queue_id, sender=entry.letter.sender), tickets)
    told = _all(owed, "failed", "4.4.7")
    for one in owed:
        one.open = False
    leave(play, _notify(play, at + 1_000, entry, Notice.FAILED, told) + 1_000, entry)


def leave(play: "Play", at: int, entry: Entry) -> None:
    """An entry is removed."""
    tickets = tuple(one.ticket for one in entry.owings)
    play.emit(at, Left(at=at, host=entry.host, queue_id=entry.queue_id), tickets)


# Reports


def _notify(play: "Play", at: int, entry: Entry, notice: Notice, some: Some) -> int:
    """A host makes a report and sends it back; returns when."""
    if not some or not entry.letter.sender or entry.letter.fault == "diverted":
        return at
    about = _about(play, entry, some)
    letter = _report(play, about, entry.letter)
    number = long_id(play.trouble.clock(entry.host, at + 500), play.chance)
    letter.message_id = f"<{number}@{entry.host}.mail.example>"
    play.emit(
        at,
        Noticed(
            at=at,
            host=entry.host,
            queue_id=entry.queue_id,
            notice=notice,
            notice_id=number,
            notice_message_id=letter.message_id,
        ),
        about.tickets,
    )
    made: dict[str, Any] = {"parent": entry.queue_id, "queue_id": number}
    play.enter(at + 500, entry.host, letter, _to_sender(play, letter, about), Via.NOTICE, **made)
    return at + 1_500


def _about(play: "Play", entry: Entry, some: Some, by: tuple[str, str, int] | None = None) -> About:
    """What a report about an entry says; `by` is who reports, its number and when it arrived there."""
    here = (entry.host, entry.queue_id, play.trouble.clock(entry.host, entry.arrived))
    reporter, number, arrived = by or here
    return About(
        by=reporter,
        by_queue_id=number,
        by_arrived=arrived,
        message_id=entry.letter.message_id,
        sender=entry.letter.sender,
        trace=entry.trace,
        told=tuple(told for _, told in some),
        tickets=tuple(one.ticket for one, _ in some),
    )


def _report(play: "Play", about: About, original: Letter) -> Letter:
    """The letter that is a report; what shall befall the reports of its original befalls it."""
    fault = original.fault if original.fault.startswith("report-") and original.kind == MAIL else ""
    hop = play.chance.randint(0, 1) if fault and fault != "report-bounced" else 0
    size = 2800 + 300 * len(about.told)
    return play.letter(REPORT, "", message_id="", size=size, about=about, fault=fault, hop=hop)


def _to_sender(play: "Play", letter: Letter, about: About) -> list[Owing]:
    to = about.sender
    return [Owing(to=to, ticket=play.ticket(letter, to), original=to, notify=False, asked=None)]


# Peers


def to_peer(play: "Play", this: Round, peer: Peer, group: list[Owing]) -> None:
    """Hand a letter to a mail system outside."""
    if this.entry.tries == 1 and play.chance.random() < peer.greets_late:
        words = f"host {peer.name}[{peer.address}] said: 450 4.2.0 greylisted, try again"
        play.put_off(this, group, peer.name, "4.2.0", words)
        return
    number = f"{play.chance.getrandbits(40):010X}"
    for one in group:
        play.sent(this.at + 15_000, this.entry, one, peer.name, number)
        if not peer.knows_reports and one.notify:
            this.tell(one, "relayed", "2.0.0", peer.name, "queued")
    if peer.reports:
        for one in group:
            reader = Reader(to=one.to, original=one.original, host=this.entry.host, ticket=one.ticket,
                            trace=this.entry.trace, peer=peer)  # fmt: skip
            receipts.from_outside(play, this.at, this.entry.letter, reader)
    wanted = [one for one in group if one.notify]
    if peer.reports and peer.knows_reports and wanted and this.entry.letter.sender:
        about = _about(play, this.entry, _all(wanted, "delivered", "2.1.5"), (peer.name, number, this.at))
        play.later(this.at + play.chance.randint(SECOND, 60 * SECOND), _peer_reports, play, peer, this.entry, about)


def _peer_reports(at: int, play: "Play", peer: Peer, entry: Entry, about: About) -> None:
    """A peer's report comes in at the hub that handed the letter over."""
    up = play.trouble.up_at(entry.host, at)
    if up:
        play.later(up + MINUTE, _peer_reports, play, peer, entry, about)
        return
    letter = _report(play, about, entry.letter)
    letter.message_id = f"<{about.by_queue_id}.{letter.number}@{peer.name}>"
    given: dict[str, Any] = {"client": peer.name, "address": peer.address, "service": "smtpd"}
    play.enter(at, entry.host, letter, _to_sender(play, letter, about), Via.SMTP, **given)
