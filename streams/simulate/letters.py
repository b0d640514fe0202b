"""What is on its way in a play: letters, who they are for, and where they lie.

Rules:
- A ticket is one (letter, recipient) as it was first given to a mail system: the unit of truth. Whatever the systems do
  with the recipient on the way (aliases, lists, tables), it is still that ticket.
- A letter knows the one fault of messages that befalls it; faults of places befall whoever comes by and leave their
  mark on the ticket.
"""

from dataclasses import dataclass, field

from streams.simulate.acts import Stay, Told

MAIL, REPORT, RECEIPT, INBOUND = "mail", "report", "receipt", "inbound"


@dataclass(slots=True, kw_only=True)
class Ticket:
    """One recipient of one letter.

    Attributes:
        number: place in the list of tickets.
        letter: number of its letter.
        kind: of the letter.
        recipient: as first given.
        host: where it was first given to the house; "" before it was.
        queue_id: there.
        at: when, true time.
        fault: the fault of messages planted on it, or "".
        place: host at which that befell it, once it did.
        touched: faults of places that came in its way.
    """

    number: int
    letter: int
    kind: str
    recipient: str
    host: str = ""
    queue_id: str = ""
    at: int = 0
    fault: str = ""
    place: str = ""
    touched: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class About:
    """What a report says; see acts.Reported.

    Attributes:
        by: host that reports.
        by_queue_id: its entry.
        by_arrived: by its clock.
        message_id: of the original, as it was there.
        sender: of the original.
        trace: of the original.
        told: of each recipient.
        tickets: of each recipient.
        disposition: of a receipt.
        by_hand: a receipt was sent by hand.
    """

    by: str
    by_queue_id: str
    by_arrived: int
    message_id: str
    sender: str
    trace: tuple[Stay, ...]
    told: tuple[Told, ...]
    tickets: tuple[int, ...]
    disposition: str = ""
    by_hand: bool = True


@dataclass(slots=True, kw_only=True)
class Letter:
    """One mail.

    Attributes:
        number: counts letters.
        kind: mail, report, receipt, inbound.
        message_id: with brackets, or ""; a switch on its way may add one.
        sender: envelope sender.
        size: bytes.
        priority: MT-PRIORITY, or None.
        fault: of messages, or "".
        hop: at which stay the fault befalls it, 0 first.
        spent: the fault has befallen it.
        about: of a report or a receipt.
        receipt: it asks for a receipt.
    """

    number: int
    kind: str
    message_id: str
    sender: str
    size: int
    priority: int | None = None
    fault: str = ""
    hop: int = 0
    spent: bool = False
    about: About | None = None
    receipt: bool = False


@dataclass(slots=True, kw_only=True)
class Owing:
    """One recipient in one entry.

    Attributes:
        to: address there.
        ticket: number.
        original: ORCPT: as first given.
        notify: is a report wanted of success.
        asked: what the log shows of that.
        orig_to: as it came in, where it was changed here.
        open: still owed here.
    """

    to: str
    ticket: int
    original: str
    notify: bool
    asked: bool | None
    orig_to: str = ""
    open: bool = True


@dataclass(slots=True, kw_only=True)
class Entry:
    """One letter in one queue.

    Attributes:
        host: where.
        queue_id: there.
        arrived: true time.
        letter: what.
        owings: for whom.
        trace: Received lines, oldest first, this stay the last.
        tries: attempts so far.
        warned: a delay was told.
        filtered: a content filter handed it back.
        root: the first of a row of entries that were put in again, or "".
    """

    host: str
    queue_id: str
    arrived: int
    letter: Letter
    owings: list[Owing]
    trace: tuple[Stay, ...]
    tries: int = 0
    warned: bool = False
    filtered: bool = False
    root: str = ""


@dataclass(slots=True, kw_only=True)
class Round:
    """One attempt at everything that an entry still owes.

    Attributes:
        at: when it began.
        entry: whose.
        end: when it was over.
        told: recipients of which something is to be reported, and what.
    """

    at: int
    entry: Entry
    end: int = 0
    told: list[tuple[Owing, Told]] = field(default_factory=list)

    def tell(self, one: Owing, action: str, status: str, remote: str = "", words: str = "") -> None:
        """Something is to be reported of a recipient."""
        told = Told(final=one.to, original=one.original, action=action, status=status, remote=remote, diagnostic=words)
        self.told.append((one, told))
