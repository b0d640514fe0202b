"""Small worlds for tests: two switches, a store, and messages that each did one thing."""

import random
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.simulate import evidence
from streams.simulate.acts import (
    Act,
    Agent,
    Attempted,
    Entered,
    Entrant,
    Expired,
    Left,
    Notice,
    Noticed,
    Opened,
    Order,
    Ordered,
    Receipted,
    Reported,
    Stay,
    Stored,
    Told,
    Via,
)
from streams.simulate.pace import Pace
from streams.simulate.queueids import long_id, session_id
from streams.simulate.world import World

SECOND = 1_000_000
MORNING = round(datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()) * SECOND + 250_000

DECLARATION = Declaration(
    sources=(
        Source(name="alpha-log", kind="postfix", host="alpha", paths=("alpha.log",)),
        Source(name="beta-log", kind="postfix", host="beta", paths=("beta.log",)),
        Source(name="store-log", kind="dovecot", host="store", paths=("store.log",)),
        Source(name="reports", kind="reports", paths=("reports",)),
    ),
    hosts=(
        Host(name="alpha", aliases=frozenset({"mx.alpha.example", "10.1.0.1"})),
        Host(name="beta", aliases=frozenset({"mx.beta.example", "10.2.0.1"})),
        Host(name="store", aliases=frozenset({"store.beta.example", "10.2.0.2"})),
    ),
    submission_points=(SubmissionPoint(host="alpha", networks=(ip_network("10.1.9.0/24"),)),),
    local_domains=frozenset({"alpha.example", "beta.example"}),
)
SENDER, READER = "ann@alpha.example", "bob@beta.example"


class Stage:
    """Plays acts one after the other; what it returns is where they left the message."""

    def __init__(self, seed: int = 1) -> None:
        """At the beginning of a morning."""
        self.chance = random.Random(seed)  # noqa: S311 - a test's order
        self.acts: list[Act] = []
        self.at = MORNING

    def later(self, seconds: float) -> int:
        """Go on."""
        self.at += round(seconds * SECOND)
        return self.at

    def enter(self, host: str = "alpha", *to: str, **fields: Any) -> Entered:
        """An entry comes in; a client of the house's network by default."""
        at = self.later(0.01)
        given: dict[str, Any] = {
            "via": Via.NETWORK,
            "client": "desk7.alpha.example",
            "address": "10.1.9.7",
            "message_id": f"<m{len(self.acts)}@alpha.example>",
            "sender": SENDER,
            "size": 1200,
            "recipients": tuple(Entrant(to=one, asked=True, heard=True) for one in to or (READER,)),
        } | fields
        entered = Entered(at=at, host=host, queue_id=long_id(at, self.chance), **given)
        self.acts.append(entered)
        return entered

    def attempt(self, entry: Entered, to: str = READER, **fields: Any) -> Attempted:
        """An attempt; refused by nobody answering by default."""
        at = self.later(0.05)
        given: dict[str, Any] = {
            "agent": Agent.SMTP,
            "status": "deferred",
            "dsn": "4.4.1",
            "reply": "connect to mx.beta.example[10.2.0.1]:25: Connection refused",
        } | fields
        tried = Attempted(at=at, host=entry.host, queue_id=entry.queue_id, to=to, arrived=entry.at, **given)
        self.acts.append(tried)
        return tried

    def hand_over(self, entry: Entered, host: str = "beta", address: str = "10.2.0.1") -> Entered:
        """Another switch takes an entry, and the first is done with it."""
        fields = {name: getattr(entry, name) for name in ("message_id", "sender", "size", "priority")}
        heard = tuple(Entrant(to=one.to, asked=one.asked) for one in entry.recipients)
        there = self.enter(host, via=Via.SMTP, client=entry.host, address="10.1.0.1", recipients=heard, **fields)
        for one in entry.recipients:
            reply = f"250 2.0.0 Ok: queued as {there.queue_id}"
            sent: dict[str, Any] = {"relay": host, "address": address, "next_id": there.queue_id, "reply": reply}
            self.attempt(entry, one.to, status="sent", dsn="2.0.0", **sent)
        self.leave(entry)
        return there

    def store(self, entry: Entered, to: str = READER, mailbox: str = "INBOX", **fields: Any) -> Stored:
        """The store takes a message."""
        session = session_id(self.chance)
        stored = Stored(
            at=self.later(0.01),
            host="store",
            session=session,
            user=to,
            mailbox=mailbox,
            uid=len(self.acts),
            message_id=entry.message_id,
            sender=entry.sender,
            size=entry.size,
            **fields,
        )
        self.acts.append(stored)
        reply = f"250 2.0.0 <{to}> {session} Saved"
        sent: dict[str, Any] = {"relay": "store", "address": "10.2.0.2", "port": 24, "session": session, "reply": reply}
        self.attempt(entry, to, agent=Agent.LMTP, status="sent", dsn="2.0.0", **sent)
        return stored

    def leave(self, entry: Entered) -> None:
        """Nothing is owed in a queue any more."""
        self.acts.append(Left(at=self.later(0.001), host=entry.host, queue_id=entry.queue_id))

    def order(self, entry: Entered, order: Order) -> None:
        """An operator acts."""
        self.acts.append(Ordered(at=self.later(5), host=entry.host, queue_id=entry.queue_id, order=order))

    def expire(self, entry: Entered, *, forced: bool = False) -> None:
        """The queue manager gives up."""
        at = self.later(5)
        self.acts.append(Expired(at=at, host=entry.host, queue_id=entry.queue_id, sender=entry.sender, forced=forced))

    def notify(self, entry: Entered, notice: Notice) -> Entered:
        """A report is made, and stands in the queue."""
        at = self.later(0.01)
        number = long_id(at, self.chance)
        name = f"<{number}@mx.{entry.host}.example>"
        self.acts.append(
            Noticed(
                at=at,
                host=entry.host,
                queue_id=entry.queue_id,
                notice=notice,
                notice_id=number,
                notice_message_id=name,
            )
        )
        made = Entered(
            at=at,
            host=entry.host,
            queue_id=number,
            via=Via.NOTICE,
            parent=entry.queue_id,
            message_id=name,
            sender="",
            size=3000,
            recipients=(Entrant(to=entry.sender),),
        )
        self.acts.append(made)
        return made

    def report(self, first: Entered, last: Entered, action: str = "delivered", to: str = READER) -> Reported:
        """A report reaches the originator."""
        made = self.notify(last, Notice(action) if action in set(Notice) else Notice.DELIVERED)
        told = Reported(
            at=self.later(1),
            host="alpha",
            queue_id=long_id(self.at, self.chance),
            report_id=made.message_id,
            by=last.host,
            by_queue_id=last.queue_id,
            by_arrived=last.at,
            message_id=first.message_id,
            sender=first.sender,
            trace=tuple(Stay(host=one.host, queue_id=one.queue_id, at=one.at) for one in dict.fromkeys((first, last))),
            told=(Told(final=to, original=to, action=action, status="2.0.0", remote="store", diagnostic="250 Saved"),),
        )
        self.acts.append(told)
        return told

    def receive(
        self, first: Entered, disposition: str = "displayed", to: str = READER, original: str = ""
    ) -> Receipted:
        """A receipt reaches the originator."""
        told = Receipted(
            at=self.later(1),
            host="alpha",
            queue_id=long_id(self.at, self.chance),
            receipt_id=f"<r{len(self.acts)}@beta.example>",
            message_id=first.message_id,
            trace=(Stay(host=first.host, queue_id=first.queue_id, at=first.at),),
            final=to,
            original=original,
            disposition=disposition,
        )
        self.acts.append(told)
        return told

    def open(self, copy: Stored) -> None:
        """A reader opens a copy."""
        self.acts.append(
            Opened(
                at=self.later(30),
                host="store",
                user=copy.user,
                mailbox=copy.mailbox,
                uid=copy.uid,
                message_id=copy.message_id,
                session=session_id(self.chance),
                size=copy.size,
            )
        )

    def world(self, **fields: Any) -> World:
        """All of it."""
        given: dict[str, Any] = {"declaration": DECLARATION, "since": MORNING, "until": self.at + 60 * SECOND}
        return World(seed=1, acts=tuple(self.acts), **(given | fields))


def journey(stage: Stage) -> tuple[Entered, Entered, Stored]:
    """A message from a desk over two switches into a mailbox, reported and read."""
    first = stage.enter()
    last = stage.hand_over(first)
    copy = stage.store(last)
    stage.report(first, last)
    stage.leave(last)
    stage.open(copy)
    return first, last, copy


def write(world: World, folder: Path, pace: Pace | None = None) -> None:
    """Write a world's evidence into a new folder.

    Raises:
        Misuse: the folder is not empty, or cannot be made.
    """
    evidence.make(folder)
    evidence.fill(world, folder, pace=pace)
