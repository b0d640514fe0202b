"""How things are named: message keys, partitions, legs, facts and alerts.

Rules:
- The message key puts all evidence about one message in one partition. It does not identify: one Message-ID may be
  submitted twice or reused, so two messages may share a key.
- A leg is one stay in one queue: (host, queue id, recipient) of one message key, hashed to 16 bytes. A recipient is
  hashed in lower case (RFC 5321 2.4 lets local parts differ by case; no store that is watched does). Recipient "" is
  the whole queue entry.
- A leg's hash is two halves of 8 bytes: the place (host and queue id), then the recipient. So the queue entry of a leg
  is its first half with zeros, and columns of legs give columns of entries without hashing again.
- Legs are joined by what the systems hand over: an event with `next_leg` says "custody passed from `leg` to
  `next_leg`". A store's copy has two legs: the LMTP session that brought it, and (store, mailbox, uid).
- A fact's identity is what happened, not where it was read: time counts in whole seconds there, because the same fact
  comes from a journal in microseconds and from a file in seconds.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zlib import crc32

KEY_LENGTH = 72
"""Characters of a Message-ID that take part in the key: Dovecot's log cuts it at 77 and appends "..."."""

FIXED_PARTITION = 0
"""Where evidence without a Message-ID is joined by queue id and hand-over."""

_UNSAFE = re.compile(r"[\s?]+")
"""Postfix writes a folded Message-ID with a "?", Dovecot without: neither takes part in the key."""

_BEGINNING = KEY_LENGTH - 17
"""Characters of a long MTS-identifier that stand in its key, before a sign and a hash."""

_MTS = re.compile(r"\[.*;|c=[^;]*;", re.IGNORECASE | re.DOTALL)
"""How MTS-identifiers begin: `[/PRMD=P/ADMD=A/C=XX/;1]` as RFC 2156 writes it, `c=XX;a=A;p=P;l=1` as Exchange does."""

_fact: Final = blake2b(digest_size=16).copy
_half: Final = blake2b(digest_size=8).copy
"""New hashes; a copy is cheaper than a new one, and a collector makes several of them for every line."""

NOBODY: Final = bytes(8)
"""Second half of a leg that is a whole queue entry."""

SESSION = b"\xff" * 8
"""Second half of an LMTP session's leg: switch and store may call its recipient by different names."""

COPY = b"\xfe" * 8
"""Second half of a copy's leg."""


def half(*parts: str) -> bytes:
    """The 8-byte hash of some texts; NUL keeps them apart."""
    made = _half()
    made.update("\0".join(parts).encode("utf-8", "surrogateescape"))
    return made.digest()


@lru_cache(100_000)
def recipient_half(recipient: str) -> bytes:
    """The second half of a recipient's leg; zeros for the whole queue entry."""
    return half("r", recipient.lower()) if recipient else NOBODY


def message_key(message_id: str | None, host: str = "", queue_id: str = "") -> str:
    """The key of a message: its normalised Message-ID, or `host/queue_id` in a form no Message-ID has.

    Raises:
        ValueError: neither a Message-ID nor a queue id is there.
    """
    if bare := bare_id(message_id or ""):
        return bare[:KEY_LENGTH]
    if not queue_id:
        raise ValueError("a message key needs a Message-ID or a queue id")
    return f"/{host}/{queue_id}"


def mts_key(mts_id: str) -> str:
    """The key of a message that is known by its X.400 MTS-identifier; "" where that names none.

    It is the identifier. One that is longer than a key (X.411 allows some 85 characters) is its
    beginning and a hash of all of it, for those of one domain differ at their end, and no log cuts them.
    """
    bare = bare_id(mts_id)
    return bare if len(bare) <= KEY_LENGTH else f"{bare[:_BEGINNING]}~{half('m', bare).hex()}"


def named_key(named: str) -> str:
    """The key of a message by whichever identifier names it; one that was made stays as it is.

    Raises:
        ValueError: it names none.
    """
    return mts_key(named) if _MTS.match(bare_id(named)) else message_key(named)


def bare_id(message_id: str) -> str:
    """What of a Message-ID tells messages apart; "" where it names none."""
    if " " in message_id or "?" in message_id or not message_id.isprintable():  # most need no pattern
        message_id = _UNSAFE.sub("", message_id)
    return message_id.strip("<>").lstrip("</")  # a key that begins with one is made of a queue id: nobody may claim it


def partition_of(key: str, partitions: int) -> int:
    """The partition of a message key; every producer passes it explicitly (default partitioners disagree)."""
    if key.startswith("/"):
        return FIXED_PARTITION
    return crc32(key.encode("utf-8", "surrogateescape")) % partitions


def leg_of(host: str, queue_id: str, recipient: str = "", *, key: str) -> bytes:
    """The leg of one recipient in one queue entry; recipient "" is the entry itself.

    Args:
        host: declared name.
        queue_id: unique per host only, and used again for other messages (short ids within hours).
        recipient: envelope recipient.
        key: the message key, so that a queue id used again is another entry. A key made of a queue id takes no part,
            since the neighbour that hands over cannot know it.
    """
    return place_of(host, queue_id, key=key) + recipient_half(recipient)


def place_of(host: str, queue_id: str, *, key: str) -> bytes:
    """The first half of a leg: one queue entry; see leg_of."""
    made, known = _half(), "" if key.startswith("/") else key
    made.update(f"q\0{host}\0{queue_id}\0{known}".encode("utf-8", "surrogateescape"))
    return made.digest()


def session_leg(session: str) -> bytes:
    """The leg of one LMTP delivery: the session id, whole, with its `:R2` or `:T2` ending, names one recipient."""
    return half("s", session) + SESSION


def copy_leg(store: str, user: str, mailbox: str, uid: str) -> bytes:
    """The leg of one copy in one mailbox of a store."""
    return half("c", store, user.lower(), mailbox, uid) + COPY


def pair_leg(key: str, recipient: str) -> bytes:
    """The leg of evidence that knows only the message and the recipient (a receipt, a report without a queue id)."""
    return half("p", key) + recipient_half(recipient)


def fact_id(kind: str, where: str, recipient: str, occurred_at: int, outcome: str = "", ordinal: int = 0) -> bytes:
    """The identity of a fact.

    Args:
        kind: kind of the event.
        where: `host/queue_id`, or the message key where there is no queue id.
        recipient: envelope recipient.
        occurred_at: microseconds; only the second counts.
        outcome: what tells facts of one second apart (action, status, next queue id).
        ordinal: counts facts that are alike in all of the above, in the order of the evidence.
    """
    return fact_of((kind, where, recipient.lower(), str(occurred_at // 1_000_000), outcome, str(ordinal)))


def fact_of(parts: tuple[str, str, str, str, str, str]) -> bytes:
    """The identity of a fact whose parts are texts already, as fact_id makes them: writing numbers takes as long."""
    made = _fact()
    made.update("\0".join(parts).encode("utf-8", "surrogateescape"))
    return made.digest()


def alert_id(rule: str, unit: bytes) -> bytes:
    """The identity of an alert: its rule, and the leg, entry or span that it is about."""
    made = _fact()
    made.update(rule.encode() + b"\0" + unit)
    return made.digest()


def span_unit(source: str, since: int) -> bytes:
    """What an alert about a source is about, as a leg is: its name and when the span began, microseconds."""
    made = _fact()
    made.update(f"source\0{source}\0{since}".encode())
    return made.digest()
