"""`custody forget`: an address leaves the warehouse.

What it does not reach is said each time, with how long the address stays there: nobody may take the warehouse for all.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli._lists import columns, ledger_options, say
from streams.cli._screen import clean, wrapped
from streams.cli._stack import json_option, say_json, settings_of
from streams.kafka import names
from streams.warehouse.addresses import is_address

if TYPE_CHECKING:
    from streams.warehouse.forget import Near

NAMING = (
    names.EVENTS, names.EVIDENCE, names.ALERTS, names.CASES, names.COMMANDS, names.PROGRESS, names.QUEUES,
    names.REJECTIONS, names.SNAPSHOTS, names.LETTERS,
)  # fmt: skip
"""Topics whose records can name a person."""

LATEST = "the latest of each key, for ever"
CLOSED = "until the message has closed (of former terms: for ever)"

LONGEST = 140
"""Characters that are shown of a word's end."""

BEYOND = {
    "collectors' checkpoints": "until the queue entry has left (3 minutes more; 60 days where nothing says so); of a "
    "store, until as many newer copies and sessions came (10,000 and 2,000)",
    f"trackers, in memory and in {names.SNAPSHOTS}": "until the message has closed (linger and horizon in the terms)",
    "the changelog of the cases worker, in Kafka": "until its case is cleared for keep_alerts_days, "
    "and an alert of a later day was told",
    "the columns leg, unit and chain": "as long as their rows; hashes without a secret, so who guesses the address "
    "can find them",
    "the warehouse's list of changes, system.mutations": "the last hundred of each table; they quote the address",
    "the evidence itself, logs and mails": "as long as you keep them; collecting them again brings it back",
}
"""What else can name a person, and until when."""


NO_ADDRESS = (
    "It is no address: looked for where it is the whole of a recipient, an originator or a mailbox's owner. Raw "
    "evidence and what peers said may have it still."
)


@click.command()
@click.argument("address")
@ledger_options
@click.option("--yes", is_flag=True, help="Do it; without it only say what would be done.")
@json_option
def command(
    *, address: str, data: Path | None, file: Path | None, ledger: str | None, yes: bool, as_json: bool
) -> None:
    r"""Put a pseudonym in the place of ADDRESS in every table, and delete the raw evidence that has it.

    Counts and figures stay. Nothing but the warehouse's tables is reached: not Kafka, nor checkpoints of collectors,
    nor trackers. The command says how long each of them keeps it. What is no address (an O/R name, a name without a
    domain) is forgotten where a recipient, an originator or a mailbox's owner is that and no more. A longer word that
    ends in ADDRESS may be another's, and stays; the command says where there are such.

    \b
    Example: custody forget carol@dest.test --yes
    """
    from streams.warehouse import forget  # noqa: PLC0415 - the warehouse's client is slow to import
    from streams.warehouse.client import connect  # noqa: PLC0415

    settings = settings_of(data, file, ledger)
    client = connect(settings)
    rows = forget.forget(client, address) if yes else forget.found(client, address)
    near, named = forget.near(client, address), forget.in_terms(client, address)
    if as_json:
        may = {"rows": near.rows, "words": near.words}
        said = {
            "rows": rows,
            "near": may,
            "is_address": is_address(address),
            "in_terms": named,
            "kept": kept(),
            "beyond": BEYOND,
        }
        say_json({"ledger": settings.ledger, "done": yes, **said})
    else:
        say(lines(address, rows, near, done=yes, in_terms=named))


def lines(address: str, rows: dict[str, int], near: "Near", *, done: bool, in_terms: bool) -> list[str]:
    """What was done, or would be, and what is not reached."""
    word, gone = ("had", "; it is gone from them." if rows else ".") if done else ("have", ".")
    if near.rows and done and rows:
        gone = "; where it stood by itself it is gone."
    told = [f"{clean(address, 60)}: {len(rows)} tables {word} it{gone}"]
    told += columns([(name, f"{count:,}") for name, count in rows.items()], "lr")
    told += _near(near)
    if not is_address(address):
        told += wrapped(NO_ADDRESS, "")
    if in_terms:
        told.append("The terms name it: they are yours to change (custody terms use).")
    told += ["Kafka is not reached; it keeps its records meanwhile:", *columns(kept().items(), "ll")]
    told += ["Nor is what else may have it:", *_beyond()]
    told.append("Tables that are thrown away and fed again before then have it again.")
    return told if done else [*told, "Nothing is done yet: --yes"]


def _near(near: "Near") -> list[str]:
    """What only ends in the address, and stays: the operator knows whose it is."""
    if not near.rows:
        return []
    total = sum(near.rows.values())
    told = wrapped(f"{total:,} rows may have it still: words end in it, which may be somebody else's.", "")
    told += columns([(name, f"{count:,}") for name, count in near.rows.items()], "lr")
    return told + [line for word in near.words for line in wrapped(word[-LONGEST:], "  ")]


def _beyond() -> list[str]:
    return [line for where, until in BEYOND.items() for line in wrapped(f"{where}: {until}", "  ")]


def kept() -> dict[str, str]:
    """How long each topic that can name a person keeps its records."""
    from streams.kafka.topics import all_topics  # noqa: PLC0415 - the broker's client is slow to import

    days = {name: all_topics()[name].retention_days for name in NAMING}
    found = {name: f"{count} days" if count else LATEST for name, count in days.items()}
    return found | {names.SNAPSHOTS: CLOSED}
