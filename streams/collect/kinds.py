"""The kinds of evidence that can be read. A collector for another system is one line here and a parser.

Next to come: X.400 and AMHS audit logs, an archive milter.
"""

from collections.abc import Callable
from dataclasses import dataclass

from streams.collect.declaration import Declaration, Source
from streams.collect.dovecot import DovecotParser
from streams.collect.jsonlines import JsonParser
from streams.collect.parser import Parser
from streams.collect.postfix import PostfixParser
from streams.collect.reports import ReportParser
from streams.core.errors import Misuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of evidence.

    Attributes:
        make: makes its parser.
        mails: a piece is a whole mail, not a line.
        host_needed: its lines do not name their host.
        open_end: a last line without an end counts, since a line tells whether it is whole.
    """

    make: Callable[[Source, Declaration], Parser]
    mails: bool = False
    host_needed: bool = False
    open_end: bool = False


KINDS = {
    "postfix": Kind(make=PostfixParser),
    "dovecot": Kind(make=DovecotParser, host_needed=True),
    "reports": Kind(make=ReportParser, mails=True),
    "jsonl": Kind(make=JsonParser, open_end=True),
}


def kind_of(source: Source) -> Kind:
    """The kind of a source.

    Raises:
        Misuse: it has no such kind.
    """
    if source.kind not in KINDS:
        raise Misuse(f"Source {source.name}: there is no kind {source.kind!r}.", hint=f"kinds: {', '.join(KINDS)}")
    return KINDS[source.kind]
