"""The declaration of what is known: every table, every column, and the facts it is a join of.

How a column is joined, and what it is while nothing was said, comes from here. The facts are named in words only: the
fold in custody.py is written by hand. A time column comes twice: `x_at`, when it happened (for measures), and
`x_known`, when it could be known (for alarms).
"""

import numpy as np

from streams.core.lattice import Column, Join, known

MOST = int(np.iinfo(np.int32).max)
"""Of a column of 32 bits: two gigabytes, 68 years; larger is said as this much."""

UNNAMED = int(np.iinfo(np.uint32).max)
"""Where a name is kept that nothing was said of."""

UNRANKED = int(np.iinfo(np.int8).min)
"""The priority of what no arrival gave one."""

MESSAGES = (
    Column(name="name", join=Join.PLAIN, of="where its key is kept", dtype=np.uint32),
    Column(
        name="originator",
        join=Join.PLAIN,
        of="where the envelope sender of its first submission is kept",
        dtype=np.uint32,
    ),
    Column(name="priority", join=Join.LATEST, of="RFC 6710, the greatest that an arrival says", dtype=np.int8),
    Column(name="since", join=Join.EARLIEST, of="when the first that is known of it could be known"),
    Column(name="before", join=Join.UNION, of="1: its key was submitted before, and has closed", dtype=np.int8),
    Column(
        name="linked",
        join=Join.UNION,
        of="1: it shares a chain, an entry or a copy's way with another message",
        dtype=np.int8,
        beside="again",
    ),
    Column(name="first_known", join=Join.FIRST, of="when its first submission could be known"),
    Column(name="first_at", join=Join.FIRST, of="when it was"),
    Column(name="first_entry", join=Join.FIRST, of="entry of it (hash)", dtype=np.uint64),
    Column(name="second_known", join=Join.FIRST, of="when another submission could be known", beside="again"),
    Column(name="second_at", join=Join.FIRST, of="when it was", beside="again"),
    Column(name="second_entry", join=Join.FIRST, of="entry of it (hash)", dtype=np.uint64, beside="again"),
)
"""One row a message key. A second submission makes it ambiguous: what is known after it counts only where connected."""

ENTRIES = (
    Column(name="arrived_at", join=Join.EARLIEST, of="submitted, or transferred and received, here"),
    Column(name="arrived_known", join=Join.FIRST, of="when the arrival known first could be known", beside="arrival"),
    Column(name="stay_from", join=Join.FIRST, of="when that arrival was: its stay counts from it", beside="arrival"),
    Column(
        name="stuck_after",
        join=Join.FIRST,
        of="seconds that a stay may last, by its terms",
        dtype=np.int32,
        beside="arrival",
    ),
    Column(name="arrived_as", join=Join.FIRST, of="number of its class of traffic", dtype=np.int8, beside="arrival"),
    *known("left", "removed from the queue with nothing owed, deleted, or put in again under another id", "left"),
    *known("deleted", "an operator deleted it", "rare"),
    Column(name="rerouted_known", join=Join.EARLIEST, of="when it was put in again under another id", beside="rare"),
    Column(
        name="resumed_known", join=Join.EARLIEST, of="when another entry could be known to go on with it", beside="rare"
    ),
    *known("refused", "given up before any recipient was tried", "rare"),
    Column(name="held_at", join=Join.LATEST, of="put on hold", beside="rare"),
    Column(name="released_at", join=Join.LATEST, of="released from hold", beside="rare"),
    Column(name="expected_known", join=Join.FIRST, of="when the number of recipients could be known", beside="arrival"),
    Column(
        name="expected",
        join=Join.FIRST,
        of="number of recipients, negative: the greatest is the least",
        dtype=np.int32,
        beside="arrival",
    ),
    Column(name="size", join=Join.LATEST, of="bytes, up to 2 GiB", dtype=np.int32, beside="arrival"),
    Column(name="host", join=Join.PLAIN, of="row of the host where it arrived", dtype=np.int32),
    Column(name="name", join=Join.PLAIN, of="where host and queue id are kept", dtype=np.uint32),
    Column(name="message", join=Join.PLAIN, of="row of its message", dtype=np.int32),
)
"""One row a queue entry: (host, queue id)."""

LEGS = (
    *known("left", "sent, delivered, given up, discarded, deleted or put in again: nothing is owed here", "try"),
    Column(name="met_known", join=Join.EARLIEST, of="when it could be known, by anything but what came back"),
    Column(name="handed_known", join=Join.FIRST, of="when the hand-over known first could be known", beside="try"),
    Column(name="next_entry", join=Join.FIRST, of="entry it was handed to (hash)", dtype=np.uint64, beside="try"),
    Column(name="handed_to", join=Join.FIRST, of="host it was handed to (hash of name)", dtype=np.uint64, beside="try"),
    Column(name="tried", join=Join.FIRST, of="last attempt, negative so that the latest is the least", beside="try"),
    Column(name="hop", join=Join.FIRST, of="its next party (hash of name); 0: no one", dtype=np.uint64, beside="try"),
    *known("redirected", "its recipient gave way to another here, as the systems say", "redirected"),
    Column(
        name="kept_known",
        join=Join.EARLIEST,
        of="when it could be known that its recipient is one of those that it gave way to",
        beside="redirected",
    ),
    Column(
        name="diverted_known",
        join=Join.EARLIEST,
        of="what was another recipient's was handed on to here",
        beside="diverted",
    ),
    Column(
        name="claimed_known",
        join=Join.EARLIEST,
        of="what was another recipient's came here, as a report says",
        beside="diverted",
    ),
    Column(name="message", join=Join.PLAIN, of="row of its message", dtype=np.int32),
    Column(name="entry", join=Join.PLAIN, of="row of its queue entry; -1 in a store", dtype=np.int32),
    Column(name="name", join=Join.PLAIN, of="where its recipient is kept; in a store also its place", dtype=np.uint32),
)
"""One row a leg: (host, queue id, recipient), an LMTP session, or a copy in a store."""

COPIES = (
    Column(name="saved_at", join=Join.EARLIEST, of="put into a mailbox"),
    Column(name="saved_known", join=Join.FIRST, of="when that could be known"),
    Column(
        name="session",
        join=Join.FIRST,
        of="LMTP session that brought it (hash), whose copies are one delivery; its own place where none did",
        dtype=np.uint64,
    ),
    *known("read", "opened there"),
    *known("unread", "left the store unread"),
    Column(name="due_known", join=Join.FIRST, of="when the delivery that fixes the due time could be known"),
    Column(name="due_at", join=Join.FIRST, of="by when it must be read; never where the mailbox is not watched"),
    Column(name="moved_known", join=Join.FIRST, of="when its first move could be known"),
    Column(name="moved_to", join=Join.FIRST, of="place of the copy it was moved to (hash)", dtype=np.uint64),
    Column(name="leg", join=Join.PLAIN, of="row of its leg", dtype=np.int32),
    Column(name="user", join=Join.UNION, of="hash of the mailbox's owner", dtype=np.uint64),
)
"""One row a copy in a mailbox."""

UNITS = (
    Column(name="submitted_known", join=Join.FIRST, of="when the submission that fixes the due time could be known"),
    Column(name="due_from", join=Join.FIRST, of="when it was submitted"),
    Column(name="due_at", join=Join.FIRST, of="by when a report is due; never where none is owed"),
    Column(name="due_leg", join=Join.FIRST, of="its leg's entry (hash), which names the unit", dtype=np.uint64),
    Column(name="due_recipient", join=Join.FIRST, of="its leg's recipient (hash)", dtype=np.uint64),
    *known("delivered", "put into the recipient's store, by the switch's or the store's word", "ends"),
    *known(
        "proved",
        "a final report: delivered, failed, relayed or expanded; or handed beyond sight; or discharged",
        "said",
    ),
    *known("relayed", "handed beyond sight, or a report says so: no report will tell of it", "rare"),
    *known("told", "a report of failure was issued or seen", "rare"),
    *known("reported", "any report that came to the originator", "said"),
    *known("refused", "the system gave up", "rare"),
    *known("discarded", "accepted and not passed on", "rare"),
    *known("read", "a receipt says displayed", "rare"),
    *known("discharged", "delivered by other means, as a person says", "rare"),
    Column(name="recipient_known", join=Join.FIRST, of="when its first recipient in queues could be known"),
    Column(name="recipient", join=Join.FIRST, of="that recipient (hash)", dtype=np.uint64),
    Column(
        name="other_known", join=Join.FIRST, of="when another recipient in its queues could be known", beside="rare"
    ),
    Column(name="other", join=Join.FIRST, of="that recipient (hash)", dtype=np.uint64, beside="rare"),
    Column(name="user_known", join=Join.FIRST, of="when a store named a recipient first", beside="ends"),
    Column(name="user", join=Join.FIRST, of="that recipient (hash)", dtype=np.uint64, beside="ends"),
    Column(name="about_known", join=Join.FIRST, of="when evidence of it could be known first", beside="ends"),
    Column(name="about", join=Join.FIRST, of="the place (hash) that it names", dtype=np.uint64, beside="ends"),
    Column(name="about_recipient", join=Join.FIRST, of="recipient (hash) there", dtype=np.uint64, beside="ends"),
    Column(name="leg", join=Join.PLAIN, of="row of a leg of it", dtype=np.int32),
)
"""One row a chain of which more is known than its stays. A chain with a submission is a unit of custody."""

PAIRS = (
    Column(name="pair_known", join=Join.FIRST, of="when its first submission could be known"),
    Column(name="pair_at", join=Join.FIRST, of="when it was"),
    Column(name="pair_entry", join=Join.FIRST, of="entry of it (hash)", dtype=np.uint64),
    Column(
        name="turned_known", join=Join.FIRST, of="when a recipient could be known to give way to it", beside="turned"
    ),
    Column(name="turned_entry", join=Join.FIRST, of="entry where it did (hash)", dtype=np.uint64, beside="turned"),
)
"""One row a (row of a message, recipient) that was submitted, or that another gave way to: to whom evidence belongs
that is connected to nothing."""

NOTICES = (
    *known("issued", "a notification of failure about its entry was issued"),
    *known("lost", "it was undelivered: bounced, expired, deleted or discarded"),
    Column(name="entry", join=Join.PLAIN, of="row of the entry that it is about", dtype=np.int32),
)
"""One row a (entry, hash of a notification's queue id): by it the originator is told, unless it was lost."""

HOSTS = (Column(name="spoke_known", join=Join.EARLIEST, of="when an arrival there could be known first"),)
"""One row a host that says what arrives there: what is handed to it must arrive."""

DUE = ("submitted_known", "due_from", "due_at", "due_leg", "due_recipient")
"""The columns of UNITS that are joined as one."""

ABOUT = ("about_known", "about", "about_recipient")
"""The columns of UNITS that name a chain without a submission."""

USER = ("user_known", "user")
"""The columns of UNITS that are joined as one."""

RECIPIENTS = ("recipient_known", "recipient", "other_known", "other")
"""The columns of UNITS that keep its first two recipients known."""

SUBMISSIONS = ("first_known", "first_at", "first_entry", "second_known", "second_at", "second_entry")
"""The columns of MESSAGES that keep the first two submissions known."""

EXPECTED = ("expected_known", "expected")
"""The columns of ENTRIES that are joined as one."""

STAY = ("arrived_known", "stay_from", "stuck_after", "arrived_as")
"""The columns of ENTRIES that are joined as one: an arrival told again in whole seconds moves no alarm."""

READ_BY = ("due_known", "due_at")
"""The columns of COPIES that are joined as one."""

SAVED = ("saved_known", "session")
"""The columns of COPIES that are joined as one."""

MOVED = ("moved_known", "moved_to")
"""The columns of COPIES that are joined as one."""

PAIR = ("pair_known", "pair_at", "pair_entry")
"""The columns of PAIRS that are joined as one."""

TURNED = ("turned_known", "turned_entry")
"""The columns of PAIRS that are joined as one."""

TRIED = ("tried", "hop")
"""The columns of LEGS that are joined as one."""

HANDED = ("handed_known", "next_entry", "handed_to")
"""The columns of LEGS that are joined as one: what is said of a hand-over cannot mix two."""
