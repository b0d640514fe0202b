"""An import: every source of a declaration to its end, then one claim for all.

Rules:
- Sources and terms are declared before the first event, so that the clock waits for all of them.
- Each source has its checkpoint: an import that died goes on where it was, and one that is done reads nothing again.
- A path that is not there is refused before anything is read or declared: it is misspelt, and a source that was not
  read would be claimed all the same. A file that turns out to be damaged, cut off or gone costs only itself: the rest
  is read and claimed, and the end says which source is incomplete.
- One that does not come to its end takes back what it declared beside live sources: their clock would wait for ever.
  Where it is killed outright the clock writer names what it declared as behind, and `custody withdraw` takes it back.
  Where declaring itself fails, that error is all that is said: mostly nothing was declared, and what was is named so.
- The end is the declared `until` (see ending.py), else the latest time seen in any source; only then may the clock go
  there. Where something was read since the last claim, by this import or by one that died, it is after all that the
  clock came to: nothing else would move it, and what is new is judged at a tick.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from streams import advice
from streams.collect import ending
from streams.collect.declaration import Declaration, Source
from streams.collect.declaring import declare, end
from streams.collect.jsonlines import REFUSED
from streams.collect.packed import STDIN
from streams.collect.parser import Counts
from streams.collect.run import Collector, Writer
from streams.collect.strangers import Strangers
from streams.core.errors import Misuse, Unavailable, Undecodable
from streams.kafka.broker import KafkaLog
from streams.kafka.lasttick import last_ticks
from streams.kafka.ports import Log
from streams.kafka.progress import all_progress
from streams.kafka.writer import EventWriter
from streams.settings import Settings

log = logging.getLogger(__name__)

LOST = "all else was read. Mail may look lost where only evidence is: mend the files and read them again"
"""What to do about what is missing."""


def store_of(settings: Settings, source: Source) -> Path:
    """Where the checkpoint of a source is kept: with the ledger that it wrote to."""
    return settings.data / "collect" / settings.ledger / f"{source.name}.checkpoint"


def ordered(declaration: Declaration, names: Sequence[str]) -> list[Source]:
    """The sources of these names, each once.

    Raises:
        Misuse: a name is none of them, or one is missing.
    """
    known = {source.name: source for source in declaration.sources}
    if sorted(names) != sorted(known):
        raise Misuse(f"--order must name every source once: {', '.join(known)}.")
    return [known[name] for name in names]


def refuse_missing(sources: Iterable[Source]) -> None:
    """Refuse what would be read from a path that is not there.

    Raises:
        Misuse: with all of them.
    """
    missing = [f"{path} (source {one.name})" for one in sources for path in one.paths if not _is_there(path)]
    if missing:
        hint = "nothing was read: correct the path, or leave the source out"
        raise Misuse(f"There is no {', no '.join(missing)}.", hint=hint)


def _is_there(path: str) -> bool:
    """Is there something of that name; whether we may read it is another question."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return path == STDIN
    except OSError:
        return True
    return True


def refuse_incomplete(counts: Mapping[str, Counts], beyond: Sequence[str] = ()) -> None:
    """Say at the end of which sources something is missing, and which go on after the declared end.

    Args:
        counts: by source.
        beyond: what is to be said of the latter.

    Raises:
        Undecodable: with the first place of each.
    """
    said = [_said(name, one) for name, one in counts.items() if one.incomplete or one.unread[REFUSED]]
    hints = [LOST] * bool(said) + [ending.MEND] * bool(beyond)
    if hints:
        raise Undecodable("\n".join([*said, *beyond]), hint=". ".join(hints))


def _said(name: str, counts: Counts) -> str:
    said = []
    if counts.incomplete:
        first, more = counts.incomplete[0], len(counts.incomplete) - 1
        said.append(f"{first.file}:{first.offset}: {first.reason}" + (f", and {more} more" if more else ""))
    if refused := counts.unread[REFUSED]:
        said.append(f"{refused:,} {'line' if refused == 1 else 'lines'} refused, {REFUSED}")
    return f"Source {name} is incomplete: {'; '.join(said)}."


def conclude(settings: Settings, declaration: Declaration, collectors: Sequence[Collector]) -> int:
    """Claim the end for sources that were read to theirs; returns it, microseconds.

    Raises:
        Misuse: the declared end is yet to come.
        Unavailable: the brokers do not answer, or the disk does not take a checkpoint.
    """
    through = end_of(declaration, max((one.through for one in collectors), default=0))
    if any(one.is_unclaimed for one in collectors):
        through = max(through, reached(KafkaLog(settings)) + 1)
    for collector in collectors:
        collector.finish(through)
    end(settings, [one.source.name for one in collectors])
    return through


def end_of(declaration: Declaration, seen: int) -> int:
    """Where an import ends, microseconds: at the declared end, else at the latest time seen in it.

    A time seen is capped by the wall clock: one line of a year to come would move the clock there.

    Raises:
        Misuse: the declared end is yet to come.
    """
    now = time.time_ns() // 1000
    ending.refuse_future(declaration.until, seen, now)
    return declaration.until or min(seen, now)


def reached(log: Log) -> int:
    """Where the clock of a ledger came to, or may come to by what imports claimed, microseconds; -1 where it has none.

    Of live sources that were withdrawn its ticks alone tell.
    """
    ends = (said["through"] or 0 for said in all_progress(log) if said["kind"] == "progressed" and not said["live"])
    return max(-1, *ends, *(tick.through for tick in last_ticks(log)))


@dataclass(slots=True)
class Import:
    """One import into a ledger.

    Attributes:
        settings: of the ledger.
        declaration: of its sources.
        text: of the declaration.
        counts: what became of the pieces, by source.
        strangers: hosts that are there and not declared.
    """

    settings: Settings
    declaration: Declaration
    text: str = ""
    counts: dict[str, Counts] = field(default_factory=dict)
    strangers: Strangers = field(init=False)
    _is_declared: bool = False
    _reading: Counts = field(default_factory=Counts)
    _writer: Writer = field(init=False)
    _collectors: list[Collector] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Declare everything first.

        Raises:
            Misuse: a path is not there.
            Unavailable: the brokers do not answer.
        """
        refuse_missing(self.declaration.sources)
        self.strangers = Strangers(self.declaration)
        try:
            names = [source.name for source in self.declaration.sources]
            declare(self.settings, self.declaration, self.text, reads=names)
            self._is_declared = True
            self._writer = EventWriter(KafkaLog(self.settings).writer())
        except BaseException as error:
            if self._is_declared or not isinstance(error, Unavailable):  # brokers that are away take nothing back
                self._give_up()
            raise

    def __enter__(self) -> Self:
        """Begin; at the end, `finish`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Where it was interrupted, nobody is to wait for the rest; it is declared again when it goes on."""
        del error, trace
        if kind is not None:
            self._give_up()

    def pieces(self) -> int:
        """How many pieces of the source that is being read were read."""
        return self._reading.pieces

    def read(self, source: Source, told: Callable[[str, int, int], None]) -> None:
        """Read one source to its end."""
        store = store_of(self.settings, source)
        collector = Collector(source=source, declaration=self.declaration, writer=self._writer, store=store, told=told)
        self.counts[source.name] = self._reading = collector.parser.counts
        collector.hears = self.strangers.hear
        collector.read()
        self._collectors.append(collector)

    def finish(self) -> int:
        """Claim the end for every source; returns it, microseconds."""
        return conclude(self.settings, self.declaration, self._collectors)

    def beyond(self) -> list[str]:
        """Which sources go on after the declared end, a sentence each."""
        return ending.beyond(self.declaration.until, {one.source.name: one.through for one in self._collectors})

    def _give_up(self) -> None:
        names = [source.name for source in self.declaration.sources]
        try:
            end(self.settings, names)
        except Unavailable as away:
            if self._is_declared:
                command = " ".join(advice.words(self.settings, "withdraw", named=names))
                log.warning("%s\nThe ledger's clock may wait for this import, until:\n  %s", away, command)
