"""Declaring: a ledger is told of its sources and terms before the first event, and not again while they are the same.

Rules:
- The declaration is part of the log: the text of sources.toml stands in the record of each of its sources, the text of
  the terms in one of their own.
- What a ledger has been told stays; only a declaration that names terms changes them, and says so.
- An import has an end, and what came after would wait for it for ever. So it is withdrawn: in a ledger with live
  sources when it has ended, or when one of them is declared; in another when something else is declared after its end.
- What is imported again is declared again, though nothing of it changed: its end of before is no end of this one.
- Who follows one source declares those that are followed with it, not what the same text says of imports. Nor does who
  imports one of several, of those that have ended, or beside live sources: nobody would end them again.
- A source that is followed stays so until it is withdrawn: who imports it does not declare it.
- What is withdrawn is not declared by what it says later (see streams/kafka/progress.py).
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import tenacity

from streams import profiles
from streams.collect.declaration import Declaration, Source
from streams.core.errors import Misuse, Unavailable
from streams.kafka import numbering, progress, topics
from streams.kafka.broker import KafkaLog
from streams.kafka.names import PROGRESS
from streams.kafka.ports import Log
from streams.kafka.progress import Known
from streams.kafka.terms import TERMS, latest_terms
from streams.kafka.writer import write_all
from streams.settings import Settings

log = logging.getLogger(__name__)

SETTLING = 10
"""Seconds that new topics may take until every broker knows who leads them."""

Record = tuple[bytes, bytes]


def declare(settings: Settings, declaration: Declaration, text: str = "", *, reads: Collection[str] = ()) -> int:
    """Declare sources and terms in a ledger, and wait for the acknowledgement; returns how many records it took.

    Args:
        settings: of the ledger; its topics are made where they are missing.
        declaration: the sources, and the terms by name; where it names none the ledger's stay, if it has any.
        text: of the declaration.
        reads: the sources that are read to their end now.

    Raises:
        Misuse: there are no such terms, or the ledger has other ids of schemas.
        Unavailable: the brokers do not answer.
    """
    topics.create(settings)
    told = _told(settings)
    numbering.check(KafkaLog(settings))
    terms_text = profiles.text_of(declaration.terms)
    if not declaration.terms:
        terms_text = latest_terms(KafkaLog(settings)) or terms_text
    version = profiles.parse(terms_text, declaration.terms or profiles.DEFAULT).version
    if TERMS in told and told[TERMS].terms != version:
        log.warning("the ledger %s has other terms from now on: %s", settings.ledger, declaration.terms)
    live = any(one.live for one in declaration.sources)
    wanted: dict[str, dict[str, Any]] = {TERMS: {"live": False, "terms": version, "text": terms_text}}
    sources = _wanted(declaration, told, reads)
    wanted |= {one.name: {"live": one.live, "terms": version, "text": text} for one in sources}
    anew = {one.name for one in sources if one.name in reads and not one.live}
    declared = [name for name, new in wanted.items() if name in anew or not _is_told(told.get(name), new)]
    records = [progress.declared(name, **wanted[name]) for name in declared]
    over = [name for name, said in told.items() if not said.live and (live or said.has_ended)]
    records += _withdrawals(name for name in over if name not in wanted)
    write_all(settings, PROGRESS, records)
    return len(records)


def _wanted(declaration: Declaration, told: Mapping[str, Known], reads: Collection[str]) -> list[Source]:
    """The sources of a declaration that the clock is to wait for, or to go on waiting for."""
    followed = {name for name, said in told.items() if said.live}
    ended = {name for name, said in told.items() if said.has_ended}
    is_live = bool(followed) or any(one.live for one in declaration.sources)
    imports = [one for one in declaration.sources if not one.live and one.name not in followed]
    waited_for = [one for one in imports if one.name in reads or not (is_live or one.name in ended)]
    return [*(one for one in declaration.sources if one.live), *waited_for]


def end(settings: Settings, names: Iterable[str]) -> None:
    """Withdraw imports that have ended from a ledger that has live sources.

    Raises:
        Unavailable: the brokers do not answer.
    """
    told = _told(settings)
    if any(said.live for said in told.values()):
        write_all(settings, PROGRESS, _withdrawals(name for name in names if name in told and not told[name].live))


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
    write_all(settings, PROGRESS, _withdrawals(names))


def unclaimed(log: Log) -> list[str]:
    """Imports that are declared, and have not claimed their end since: they are under way, or were killed.

    Raises:
        Unavailable: the brokers do not answer.
    """
    known = progress.known(log)
    return sorted(name for name, said in known.items() if name != TERMS and not (said.live or said.has_ended))


def _withdrawals(names: Iterable[str]) -> list[Record]:
    return [progress.withdrawn(name) for name in names]


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(Unavailable),
    stop=tenacity.stop_after_delay(SETTLING),
    wait=tenacity.wait_fixed(0.2),
    reraise=True,
)
def _told(settings: Settings) -> dict[str, Known]:
    """What a ledger has been told; new topics take a while to be there."""
    return progress.known(KafkaLog(settings))


def _is_told(known: Known | None, fields: dict[str, Any]) -> bool:
    return known is not None and all(getattr(known, name) == field for name, field in fields.items())
