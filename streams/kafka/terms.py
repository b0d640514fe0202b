"""The terms of a ledger: what it declares to be owed (core/terms.py says what terms are).

Rules:
- They are declared in PROGRESS, like a source, under a name that no source may have; the last that were declared count.
- Who asks for terms that cannot be read is refused: a ledger has none like them, and the default would find something
  else. Who works under some already goes on.
"""

import logging
from collections.abc import Iterator

from streams import profiles
from streams.core.errors import Misuse, Undecodable
from streams.core.terms import Terms
from streams.kafka.names import PROGRESS
from streams.kafka.ports import Log, Records
from streams.kafka.progress import read

logger = logging.getLogger(__name__)

TERMS = "terms"
"""The name under which they are declared."""

KEY = f"declared/{TERMS}".encode()
"""The key of the records that declare them."""


class TermsWatch:
    """Looks now and then whether a ledger declares other terms than those that somebody works under."""

    def __init__(self, log: Log, terms: Terms) -> None:
        """`terms` are those that somebody works under."""
        self._log, self._own = log, terms.version
        self._declared, self._next = "", 0

    def superseded(self) -> bool:
        """Are the terms declared last others; only what was said since the last look is read.

        Terms that cannot be read are passed over, and said: those before them stand.

        Raises:
            Unavailable: the brokers do not answer.
        """
        for batch in self._log.read_range(PROGRESS, {0: self._next}):
            for offset, value in _terms_in(batch):
                self._declared = _version(offset, value) or self._declared
            self._next = batch.offsets[-1] + 1
        return self._declared not in {"", self._own}


def _terms_in(batch: Records) -> Iterator[tuple[int, bytes | None]]:
    """Offset and value of the records that declare terms."""
    for key, offset, value in zip(batch.keys, batch.offsets, batch.values, strict=True):
        if key == KEY:
            yield offset, value


def _version(offset: int, value: bytes | None) -> str:
    """The version of declared terms; "" where they cannot be read."""
    try:
        return profiles.parse(read(value)["text"], "the ledger's terms").version
    except (Undecodable, Misuse) as error:
        logger.warning("terms were passed over: offset %d: %s", offset, error)
        return ""


def terms_of(log: Log) -> tuple[str, Terms]:
    """The terms that a ledger declares last, else the default: as TOML, and read.

    Raises:
        Misuse: they cannot be read.
    """
    text = latest_terms(log) or profiles.text_of()
    return text, profiles.parse(text, "the ledger's terms")


def latest_terms(log: Log) -> str | None:
    """The terms that a ledger declares last, as TOML; None where it declares none.

    Raises:
        Misuse: the record cannot be read.
    """
    said = [one for batch in log.read_range(PROGRESS) for one in _terms_in(batch)]
    if not said:
        return None
    offset, value = said[-1]
    try:
        text: str = read(value)["text"]
    except Undecodable as error:
        where = f"{PROGRESS}, offset {offset}"
        raise Misuse(f"The ledger's terms cannot be read ({where}): {error}.", hint="custody terms use NAME") from error
    return text
