"""Receipts as evidence that a copy was opened.

Rules:
- A receipt means the first copy of a message in the mailbox of whom it names, until a second copy is known.
- One that does not say for whom its message was first, or has no trace, names it by its Message-ID alone (whoever
  opened it may have an address that the origin never saw), and means nothing once a second submission is known.
"""

from collections import defaultdict
from functools import cached_property

from streams.simulate.dossier import NEVER, OURS, Copy, Dossier


class Receipts:
    """The receipts of a dossier."""

    def __init__(self, dossier: Dossier) -> None:
        """Take it in."""
        self.dossier = dossier

    def opened(self, copy: Copy) -> int:
        """When a receipt could be known that says that a copy was opened."""
        case = self.dossier.cases[copy.ticket]
        if not case.receipts or case.submitted is None:
            return NEVER
        same = sorted((one.known, one.at) for one in self._copies[copy.ticket] if one.act.user == copy.act.user)
        until = same[1][0] if len(same) > 1 else NEVER
        if (copy.known, copy.at) != same[0]:
            return NEVER
        told = [
            known
            for known, act in case.receipts
            if act.final == copy.act.user
            and ((act.trace and act.original) or known < self._second.get(act.message_id, NEVER))
        ]
        return min((one for one in told if one < until), default=NEVER)

    @cached_property
    def _copies(self) -> dict[int, list[Copy]]:
        """Of each ticket."""
        found: dict[int, list[Copy]] = defaultdict(list)
        for copy in self.dossier.of_copies():
            found[copy.ticket].append(copy)
        return found

    @cached_property
    def _second(self) -> dict[str, int]:
        """When a second submission with a Message-ID could be known, where there is one."""
        found: dict[str, list[int]] = defaultdict(list)
        for file in self.dossier.files.values():
            known = [case.submitted[1] for one in file.tickets if (case := self.dossier.cases[one]).submitted]
            if known and file.arrival.via in OURS and file.arrival.sender:
                found[file.arrival.message_id].append(min(known))
        return {message_id: sorted(known)[1] for message_id, known in found.items() if len(known) > 1}
