"""The mails of a source that were read, by what they are known by.

Rules:
- A checkpoint holds them end to end. They are put together when one came or went, not whenever it is stored.
- A mail that is no longer in a followed folder is forgotten, else they would grow for ever; one that is put back is
  read again, to the same events. It is forgotten once it is missing from two listings, one after the other: who opens
  a mail moves it, which may be from where was not looked yet to where was looked already.
- Nothing is forgotten for a listing that failed, or for an empty one: the folder may not be mounted.
"""

from streams.collect.mails import KNOWN


class Seen:
    """The mails that were read.

    Attributes:
        packed: 8-byte hashes, end to end.
    """

    def __init__(self, packed: bytes = b"") -> None:
        """Take up those of a checkpoint."""
        self._known = {packed[at : at + KNOWN] for at in range(0, len(packed), KNOWN)}
        self._packed: bytes | None = packed
        self._missing: set[bytes] = set()

    def __contains__(self, known: bytes) -> bool:
        """Was a mail read."""
        return known in self._known

    def __len__(self) -> int:
        """How many were."""
        return len(self._known)

    @property
    def packed(self) -> bytes:
        """8-byte hashes, end to end."""
        if self._packed is None:
            self._packed = b"".join(self._known)
        return self._packed

    def add(self, known: bytes) -> None:
        """A mail was read; b"" is none."""
        if known and known not in self._known:
            self._known.add(known)
            self._packed = None

    def all(self) -> set[bytes]:
        """Those that were read by now."""
        return self._known.copy()

    def forget(self, missing: set[bytes]) -> None:
        """Forget what was missing from the listing before, too.

        Args:
            missing: from a listing that is whole.
        """
        if gone := self._missing & missing:
            self._known -= gone
            self._packed = None
        self._missing = missing - gone
