"""Declaring: a ledger is told of its sources and terms before the first event, and not again while they are the same.

Rules:
- The declaration is part of the log: the text of sources.toml stands in the record of each of its sources, the text of
  the terms in one of their own.
- What a ledger has been told stays; only a declaration of its own changes its terms.
"""

from typing import Any

from streams import profiles
from streams.collect.declaration import Declaration
from streams.kafka import progress, topics
from streams.kafka.writer import write_all
from streams.settings import Settings


def declare(settings: Settings, declaration: Declaration, text: str = "", *, keep_terms: bool = False) -> int:
    """Declare sources and terms in a ledger, and wait for the acknowledgement; returns how many records it took.

    Args:
        settings: of the ledger; its topics are made where they are missing.
        declaration: the sources, and the terms by name.
        text: of the declaration.
        keep_terms: leave the ledger's terms as they are, if it has any.

    Raises:
        Misuse: there are no such terms.
        Unavailable: the brokers do not answer.
    """
    topics.create(settings)
    told = {said["source"]: said for said in progress.all_progress(settings) if said["kind"] == "declared"}
    terms_text = profiles.text_of(declaration.terms)
    if keep_terms and "terms" in told:
        terms_text = told["terms"]["text"]
    version = profiles.parse(terms_text, declaration.terms or profiles.DEFAULT).version
    wanted: dict[str, dict[str, Any]] = {"terms": {"live": False, "terms": version, "text": terms_text}}
    wanted |= {one.name: {"live": one.live, "terms": version, "text": text} for one in declaration.sources}
    new = [(name, fields) for name, fields in wanted.items() if not _is_told(told.get(name), fields)]
    write_all(settings, "progress", [progress.declared(name, **fields) for name, fields in new])
    return len(new)


def _is_told(said: dict[str, Any] | None, fields: dict[str, Any]) -> bool:
    return said is not None and all(said[name] == field for name, field in fields.items())
