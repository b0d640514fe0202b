"""What a store's lines name: sessions, and places in mailboxes, as texts by which a parser remembers them."""

from streams.collect.dovecot_text import BoxEvent, Saying


def attributes(box: str, uid: str) -> tuple[str, ...]:
    """What an event says of where a copy lies."""
    return (f"mailbox={box}", f"uid={uid}")


def means(said: Saying) -> tuple[str, ...]:
    """POP3 says only that a client took it, not that a person saw it."""
    return ("pop3",) if said.service == "pop3" else ()


def delivery(said: Saying) -> str:
    """What names a session: its id, or its process and user."""
    return said.session or nameless(said)


def nameless(said: Saying) -> str:
    """What names a session that has not told its id."""
    return f"{said.pid}\0{said.user}\0"


def whose(said: Saying, box: str, shared: str) -> tuple[Saying, str]:
    """What is said of a mailbox, as if its owner did it, and its name there.

    Args:
        said: by whom.
        box: its name to who does it.
        shared: how the names of others' mailboxes begin; its last sign stands between their parts. The owner follows,
            in the same domain where none is said, and then a mailbox, or nothing for the INBOX. "" where none are.
    """
    if not shared or not box.startswith(shared):
        return said, box
    owner, _, rest = box[len(shared) :].partition(shared[-1])
    if not owner:
        return said, box
    domain = "" if "@" in owner else "".join(said.user.partition("@")[1:])
    return said._replace(user=owner + domain), rest or "INBOX"


def place(said: Saying, box: str, uid: str) -> str:
    """Where a copy lies."""
    return f"{said.user}\0{box}\0{uid}"


def message(said: Saying, event: BoxEvent, box: str) -> str:
    """What a copy has in common with what it is a copy of."""
    return f"{said.user}\0{box}\0{event.msgid}\0{event.size}"
