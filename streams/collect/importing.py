"""An import: every source of a declaration to its end, then one claim for all.

Rules:
- Sources and terms are declared before the first event, so that the clock waits for all of them.
- Each source has its checkpoint: an import that died goes on where it was, and one that is done reads nothing again.
- The end is the declared `until`, else the latest time seen in any source; only then may the clock go there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams import profiles
from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Counts
from streams.collect.run import Collector
from streams.core.errors import Misuse
from streams.kafka import progress
from streams.kafka.writer import EventWriter, write_all
from streams.settings import Settings


def declare(settings: Settings, declaration: Declaration, text: str = "") -> None:
    """Declare sources and terms in the ledger, and wait for the acknowledgement.

    Raises:
        Misuse: there are no such terms.
    """
    terms_text = profiles.text_of(declaration.terms)
    terms = profiles.parse(terms_text, declaration.terms or profiles.DEFAULT)
    said = [progress.declared("terms", live=False, terms=terms.version, text=terms_text)]
    said += [
        progress.declared(source.name, live=source.live, terms=terms.version, text=text)
        for source in declaration.sources
    ]
    write_all(settings, "progress", said)


def ordered(declaration: Declaration, names: Sequence[str]) -> list[Source]:
    """The sources of these names, each once.

    Raises:
        Misuse: a name is none of them, or one is missing.
    """
    known = {source.name: source for source in declaration.sources}
    if sorted(names) != sorted(known):
        raise Misuse(f"--order must name every source once: {', '.join(known)}.")
    return [known[name] for name in names]


@dataclass(slots=True)
class Import:
    """One import into a ledger."""

    settings: Settings
    declaration: Declaration
    counts: dict[str, Counts] = field(default_factory=dict)
    _through: int = 0
    _writer: EventWriter = field(init=False)
    _collectors: list[Collector] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Declare everything first."""
        declare(self.settings, self.declaration)
        self._writer = EventWriter(self.settings)

    def read(self, source: Source, told: Callable[[str, int, int], None]) -> None:
        """Read one source to its end."""
        store = self.settings.data / "collect" / self.settings.ledger / f"{source.name}.checkpoint"
        collector = Collector(source=source, declaration=self.declaration, writer=self._writer, store=store, told=told)
        self.counts[source.name] = collector.parser.counts
        collector.read()
        self._through = max(self._through, collector.through)
        self._collectors.append(collector)

    def finish(self) -> int:
        """Claim the end for every source; returns it, microseconds."""
        through = self.declaration.until or self._through
        for collector in self._collectors:
            collector.finish(through)
        return through
