"""The Maildir in which the delivery reports and receipts of all origins are collected.

Rules:
- A mail is named by the time at which it came there, so that names sort as mails came.
- One that nobody collected is not there; one that was handed in twice is there twice.
- A folder that is live holds back what is not there yet, until it is released.
"""

import heapq
from pathlib import Path

from streams.simulate.handing import Fates, has
from streams.simulate.world import Fate, Gap

SECOND = 1_000_000
_END = 1 << 62


class MailFolder:
    """One Maildir."""

    def __init__(self, path: Path, gaps: tuple[Gap, ...], *, live: bool = False) -> None:
        """Make it."""
        self._new, self._tmp, self._live = path / "new", path / "tmp", live
        self._held: list[tuple[int, str, bytes]] = []
        for name in ("cur", "new", "tmp"):
            (path / name).mkdir(parents=True, exist_ok=True)
        self._fates = Fates(gaps)
        self._count = 0

    def put(self, at: int, host: str, mail: bytes) -> None:
        """A mail that came to the mailbox at a true time; mails come by time."""
        gaps = self._fates.at(at)
        if has(gaps, Fate.LOST, Fate.CUT):
            return
        handed = self._fates.handed_at(at)
        self._write(handed, host, mail)
        if twice := has(gaps, Fate.TWICE):
            self._write(max(handed, twice.until), host, mail)

    def release(self, at: int) -> None:
        """A reader sees what is there by a time."""
        while self._held and self._held[0][0] <= at:
            _, name, mail = heapq.heappop(self._held)
            self._deliver(name, mail)

    def close(self) -> None:
        """No more come."""
        self.release(_END)

    def _write(self, at: int, host: str, mail: bytes) -> None:
        self._count += 1
        second, micro = divmod(at, SECOND)
        name = f"{second}.M{micro:06}P1Q{self._count:06}.{host}"
        if self._live:
            heapq.heappush(self._held, (at, name, mail))
        else:
            self._deliver(name, mail)

    def _deliver(self, name: str, mail: bytes) -> None:
        (self._tmp / name).write_bytes(mail)
        (self._tmp / name).rename(self._new / name)


def come_at(name: str) -> int:
    """When a mail of this name came, microseconds."""
    second, _, rest = name.partition(".M")
    return int(second) * SECOND + int(rest[:6])
