"""Whom a store tells of what it rejects: which notices are sent, by what the lines before and after say.

Rules:
- Of a filter's rejection the store says before that it sends none; that is remembered from one read to the next.
- The delivery agent (`dovecot-lda`) says first that it rejects: the mailbox is full. Then it sends the notice and says
  nothing, or says that it sends none or could not (lda/main.c and lib-lda/mail-send.c of Dovecot).
- That is heard only within one read; where one falls between the two lines the notice stands. One that waited for a
  line that need not come would be missing while its source claims the time, and come without the line that proves it.
"""

from collections.abc import Sequence

from streams.collect.dovecot_memory import put
from streams.core.events import MessageEvent


class Notices:
    """The notices that the lines of one read tell of."""

    def __init__(self, unsent: dict[str, bool]) -> None:
        """None so far; `unsent` are deliveries that said before that they send none of their filter's."""
        self._unsent = unsent
        self._standing: dict[str, list[bytes]] = {}
        self._taken_back: set[bytes] = set()

    def of_filter(self, delivery: str, notice: MessageEvent) -> list[MessageEvent]:
        """What is told when a delivery's filter rejected."""
        return [] if self._unsent.pop(delivery, False) else [notice]

    def of_agent(self, delivery: str, notice: MessageEvent) -> list[MessageEvent]:
        """What is told when the delivery agent rejects: the notice, unless it is taken back."""
        self._standing.setdefault(delivery, []).append(notice.event_id)
        return [notice]

    def none_sent(self, delivery: str) -> None:
        """A delivery says that it sends none: of what its agent rejected last, or of what its filter will."""
        if standing := self._standing.get(delivery):
            self._taken_back.add(standing.pop())
        else:
            put(self._unsent, delivery, value=True)

    def told(self, events: Sequence[MessageEvent]) -> list[MessageEvent]:
        """The events of the read, without the notices that were taken back."""
        return [event for event in events if event.event_id not in self._taken_back]
