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


def place(said: Saying, box: str, uid: str) -> str:
    """Where a copy lies."""
    return f"{said.user}\0{box}\0{uid}"


def message(said: Saying, event: BoxEvent, box: str) -> str:
    """What a copy has in common with what it is a copy of."""
    return f"{said.user}\0{box}\0{event.msgid}\0{event.size}"
