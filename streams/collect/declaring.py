"""Declaring: a ledger is told of its sources and terms before the first event, and not again while they are the same.

Rules:
- The declaration is part of the log: the text of sources.toml stands in the record of each of its sources, the text of
  the terms in one of their own.
- What a ledger has been told stays; only a declaration that names terms changes them, and says so.
- An import has an end, and what came after would wait for it for ever. So it is withdrawn: in a ledger with live
  sources when it has ended, or when one of them is declared; in another when something else is declared after its end.
- Who follows one source declares those that are followed with it, not what the same text says of imports.
"""

import logging
from collections.abc import Iterable
from typing import Any

import tenacity

from streams import profiles
from streams.collect.declaration import Declaration
from streams.core.errors import Misuse, Unavailable
from streams.kafka import numbering, progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.writer import write_all
from streams.settings import Settings

log = logging.getLogger(__name__)

TERMS = "terms"
"""Name of the record that holds the terms."""

SETTLING = 10
"""Seconds that new topics may take until every broker knows who leads them."""

Record = tuple[bytes, bytes]


def declare(settings: Settings, declaration: Declaration, text: str = "") -> int:
    """Declare sources and terms in a ledger, and wait for the acknowledgement; returns how many records it took.

    Args:
        settings: of the ledger; its topics are made where they are missing.
        declaration: the sources, and the terms by name; where it names none the ledger's stay, if it has any.
        text: of the declaration.

    Raises:
        Misuse: there are no such terms, or the ledger has other ids of schemas.
        Unavailable: the brokers do not answer.
    """
    topics.create(settings)
    told = _told(settings)
    numbering.check(KafkaLog(settings))
    terms_text = profiles.text_of(declaration.terms)
    if not declaration.terms:
        terms_text = progress.latest_terms(KafkaLog(settings)) or terms_text
    version = profiles.parse(terms_text, declaration.terms or profiles.DEFAULT).version
    if TERMS in told and told[TERMS]["terms"] != version:
        log.warning("the ledger %s has other terms from now on: %s", settings.ledger, declaration.terms)
    live = any(one.live for one in declaration.sources)
    sources = [one for one in declaration.sources if one.live or not live]
    wanted: dict[str, dict[str, Any]] = {TERMS: {"live": False, "terms": version, "text": terms_text}}
    wanted |= {one.name: {"live": one.live, "terms": version, "text": text} for one in sources}
    records = [progress.declared(name, **new) for name, new in wanted.items() if not _is_told(told.get(name), new)]
    over = [name for name, said in told.items() if not said["live"] and (live or said["has_ended"])]
    records += _withdrawals(name for name in over if name not in wanted)
    write_all(settings, "progress", records)
    return len(records)


def end(settings: Settings, names: Iterable[str]) -> None:
    """Withdraw imports that have ended from a ledger that has live sources.

    Raises:
        Unavailable: the brokers do not answer.
    """
    told = _told(settings)
    if any(said["live"] for said in told.values()):
        write_all(settings, "progress", _withdrawals(name for name in names if name in told and not told[name]["live"]))


def withdraw(settings: Settings, names: Iterable[str]) -> None:
    """Take the declarations of sources back: the clock neither waits for them nor calls them silent.

    Raises:
        Misuse: the ledger waits for no source of that name.
        Unavailable: the brokers do not answer.
    """
    names, told = list(names), _told(settings)
    known = sorted(told.keys() - {TERMS})
    if unknown := [name for name in names if name not in known]:
        raise Misuse(
            f"The ledger {settings.ledger} waits for no source {', '.join(unknown)}.",
            hint=f"it waits for {', '.join(known)}" if known else "it waits for none",
        )
    write_all(settings, "progress", _withdrawals(names))


def _withdrawals(names: Iterable[str]) -> list[Record]:
    return [progress.withdrawn(name) for name in names]


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(Unavailable),
    stop=tenacity.stop_after_delay(SETTLING),
    wait=tenacity.wait_fixed(0.2),
    reraise=True,
)
def _told(settings: Settings) -> dict[str, dict[str, Any]]:
    """What a ledger has been told of each source that it waits for, if it claimed something, and of its terms."""
    told: dict[str, dict[str, Any]] = {}
    for said in progress.all_progress(KafkaLog(settings)):
        name, kind = said["source"], said["kind"]
        if kind == "withdrawn":
            told.pop(name, None)
        elif kind == "declared":
            told[name] = said | {"has_ended": name in told and told[name]["has_ended"]}
        elif name in told:
            told[name]["has_ended"] = True
    return told


def _is_told(said: dict[str, Any] | None, fields: dict[str, Any]) -> bool:
    return said is not None and all(said[name] == field for name, field in fields.items())
