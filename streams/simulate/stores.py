"""Delivery into a store: whom an address means there, and what is put where.

Rules:
- An address is a user's or a desk's, an alias of one, a list of many, or nobody's.
- Reports go to a mailbox of the house's own, and from there to the collector.
"""

from typing import TYPE_CHECKING, Any

from streams.simulate import alternates, readers
from streams.simulate.acts import Agent, Receipted, Reported, Stored, Via
from streams.simulate.letters import INBOUND, MAIL, RECEIPT, REPORT, Entry, Owing, Round
from streams.simulate.network import REPORTS_BOX, Organisation
from streams.simulate.queueids import session_id
from streams.simulate.readers import Copy
from streams.simulate.receipts import Reader

if TYPE_CHECKING:
    from streams.simulate.play import Play

LMTP_PORT = 24
BOX = "INBOX"


def deliver(play: "Play", this: Round, store: str, group: list[Owing]) -> None:
    """A switch delivers to its own."""
    house = play.network.at_switch[this.entry.host]
    when, session, number = this.at + 8_000, session_id(play.chance), 0
    for one in group:
        when += play.chance.randint(2_000, 30_000)
        if one.to in house.lists:
            _expand(play, when, this, house, one)
            continue
        if one.to in house.aliases:
            one.orig_to, one.to = one.orig_to or one.to, house.aliases[one.to]
        alternates.deputise(this, when, house, one)
        if alternates.forward(play, when, this, house, one):
            continue
        number += 1
        _into(play, when, this, one, (store, session if number == 1 else f"{session}:R{number}"))
    this.end = max(this.end, when + 10_000)


def _into(play: "Play", at: int, this: Round, one: Owing, place: tuple[str, str]) -> None:
    """One recipient's mail into the store in a session, or back."""
    entry, letter, (store, session) = this.entry, this.entry.letter, place
    house = play.network.at_switch[entry.host]
    lmtp: dict[str, Any] = {"agent": Agent.LMTP, "port": LMTP_PORT} | play.reached(store)
    said = f"{store}[{lmtp['address']}]"
    if one.to not in house.users and one.to not in house.desks:
        words = f"host {said} said: 550 5.1.1 <{one.to}> User doesn't exist: {one.to}"
        play.tried(at, entry, one, status="bounced", dsn="5.1.1", reply=words, **lmtp)
        one.open = False
        this.tell(one, "failed", "5.1.1", store, words)
        return
    put(play, at, entry, one, place)
    if letter.fault == "duplicate" and not letter.spent:
        letter.spent = True
        play.place((one.ticket,), entry.host)
        words = f"conversation with {said} timed out while sending end of data -- message may be sent more than once"
        play.tried(at + 30_000, entry, one, status="deferred", dsn="4.4.2", reply=words, **lmtp)
        return
    words = f"250 2.0.0 <{one.to}> {session} Saved"
    play.tried(at + 1_500, entry, one, status="sent", dsn="2.0.0", reply=words, session=session, **lmtp)
    one.open = False
    if one.notify:
        this.tell(one, "delivered", "2.0.0", store, words)
    _arrived(play, at, entry)


def put(play: "Play", at: int, entry: Entry, one: Owing, place: tuple[str, str]) -> None:
    """A store saves a copy, which its owner may open."""
    letter, (store, session) = entry.letter, place
    box = REPORTS_BOX if letter.kind in {REPORT, RECEIPT} else BOX
    uid = play.uids[one.to, box] = play.uids.get((one.to, box), 0) + 1
    play.emit(
        at,
        Stored(
            at=at,
            host=store,
            session=session,
            user=one.to,
            mailbox=box,
            uid=uid,
            message_id=letter.message_id,
            sender=letter.sender,
            size=letter.size + 200 * len(entry.trace),
        ),
        (one.ticket,),
    )
    if letter.kind in {MAIL, INBOUND}:
        reader = Reader(to=one.to, original=one.original, host=entry.host, ticket=one.ticket, trace=entry.trace)
        copy = Copy(store=store, uid=uid, letter=letter, reader=reader)
        readers.lies(play, at, copy, desk=one.to in play.network.at_switch[entry.host].desks)


def _expand(play: "Play", at: int, this: Round, house: Organisation, one: Owing) -> None:
    """local(8) makes one entry for the members of a list."""
    entry = this.entry
    members = [
        Owing(to=member, ticket=one.ticket, original=one.original, notify=False, asked=None, orig_to=one.to)
        for member in house.lists[one.to]
    ]
    made = play.enter(at, entry.host, entry.letter, members, Via.FORWARD, trace=entry.trace, parent=entry.queue_id)
    alternates.forwarded(play, at + 500, this, one, made.queue_id)
    if one.notify:
        this.tell(one, "expanded", "2.0.0", "", "forwarded")


# What comes back to an origin


def _arrived(play: "Play", at: int, entry: Entry) -> None:
    """A report or a receipt is where the collector finds it."""
    letter, about = entry.letter, entry.letter.about
    if about is None or letter.fault == "report-uncollected":
        return
    if letter.kind == RECEIPT:
        told = about.told[0]
        receipt = Receipted(at=at, host=entry.host, queue_id=entry.queue_id, receipt_id=letter.message_id,
                            message_id=about.message_id, trace=about.trace, final=told.final, original=told.original,
                            disposition=about.disposition, by_hand=about.by_hand)  # fmt: skip
        play.emit(at, receipt, about.tickets)
        return
    report = Reported(
        at=at, host=entry.host, queue_id=entry.queue_id, report_id=letter.message_id, by=about.by,
        by_queue_id=about.by_queue_id, by_arrived=about.by_arrived, message_id=about.message_id, sender=about.sender,
        trace=about.trace, told=about.told,
    )  # fmt: skip
    play.emit(at, report, about.tickets)
