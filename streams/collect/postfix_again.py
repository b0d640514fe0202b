"""A part of a Postfix log that is read again: the same file under another name, or a copy of some hours of it.

Rules:
- What a file says of an entry that arrived before the file begins is understood by what was said before. If its host's
  log was read as far as that, and the entry is no longer remembered, it has left, and all of it was told: telling it
  again, without its Message-ID, would make another message of it.
- An entry that is still in the queue is remembered, and one that begins within the file is told by it whole; both are
  read. So nothing is passed over in a file that was late, but lines that nobody could understand. What is passed over
  is counted.
- The same holds for the notifications that such an entry is said to have caused.
- Only long queue ids tell when their entry arrived.
"""

from collections.abc import Iterator, Sequence

from streams.collect.declaration import Declaration, Source
from streams.collect.parser import Piece, text_of
from streams.collect.postfix_entry import Spool, Told
from streams.collect.queueid import arrival, is_queue_id
from streams.collect.syslog import Reader
from streams.collect.wrapping import host_in, unwrapped

SECOND = 1_000_000
BEHIND = 5 * SECOND
"""Lines of one log, and files of one rotation, may be out of order by so much."""

SLACK = 2 * SECOND
"""Lines of one second and the next may stand in any order."""

_BEGINS = ("client=", "uid=")
_UNKNOWN = -1


class Again:
    """Tells what was told before from what was not.

    Attributes:
        first: what arrived up to here may have arrived before the file begins, microseconds; -1: it is not behind.
    """

    __slots__ = ("_begun", "_caused", "_declaration", "_host", "_reader", "first")

    def __init__(self, source: Source, declaration: Declaration, reader: Reader) -> None:
        """For one source; `reader` is its parser's own."""
        self._host, self._declaration, self._reader = source.host, declaration, reader
        self.first = _UNKNOWN
        self._begun: set[str] = set()
        self._caused: set[str] = set()

    def begin(self, pieces: Sequence[Piece], through: int) -> None:
        """Another file begins, when all was read up to `through`."""
        self._begun.clear()
        self._caused.clear()
        timed = next((one for piece in pieces if (one := self._reader.timed(text_of(piece.raw)))), None)
        behind = timed is not None and timed[0] < through - BEHIND
        self.first = timed[0] // SECOND * SECOND + SLACK if timed and behind else _UNKNOWN

    def state(self) -> Told:
        """What the checkpoint keeps."""
        return self.first, self._begun, self._caused

    def restore(self, state: Told) -> None:
        """Go on in the middle of a file as if never stopped."""
        self.first, begun, caused = state
        self._begun, self._caused = set(begun), set(caused)

    def untold(self, pieces: Sequence[Piece], spools: dict[str, Spool]) -> Iterator[Piece]:
        """The pieces of a file that is behind which were not told before."""
        return (piece for piece in pieces if not self._was_told(piece, spools))

    def _was_told(self, piece: Piece, spools: dict[str, Spool]) -> bool:
        timed = self._reader.timed(text_of(piece.raw))
        head, _, said = unwrapped(timed[1], timed[0]).partition(": ") if timed else ("", "", "")
        number, colon, rest = said.partition(": ")
        if timed is None or not colon or number[10:11] != "z" or not is_queue_id(number):
            return False
        if rest.startswith(_BEGINS) or (rest.startswith("message-id=") and number in rest):
            self._begun.add(number)
        if number in self._begun or number in self._caused:
            return number in self._caused
        spool = spools.get(self._host or self._declaration.host_of(host_in(head.rpartition(" ")[0])))
        told = spool is not None and self._is_gone(spool, number, timed[0])
        if told and (caused := rest.partition(" notification: ")[2]):
            self._caused.add(caused)
        return told

    def _is_gone(self, spool: Spool, number: str, at: int) -> bool:
        """Did an entry come before the file begins, but after its host's log does, and leave."""
        if not 0 < spool.since < self.first - SLACK:
            return False
        entry = spool.entries.get(number)
        gone = entry is None or entry.removed_at is not None
        return gone and spool.since <= arrival(number, at) <= self.first
