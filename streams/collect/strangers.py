"""Hosts that evidence names and the declaration does not: what is theirs counts otherwise, and nothing else says so.

Rules:
- A switch whose own lines are read is to be declared: no submission point is of a host that has another name.
- Who took a message under a number that stands in the log of a declared host, of the same message, is that host by
  another name: what it holds is joined by names, and would be out of sight.
- Each source is heard to a bound: what is not declared shows soon.
"""

from collections import Counter
from collections.abc import Iterable

from streams.collect.declaration import Declaration
from streams.core.events import Kind, MessageEvent

HEARD = 200_000
"""Events of a source that are heard."""


class Strangers:
    """Listens to events, and says at their end who is not declared."""

    def __init__(self, declaration: Declaration) -> None:
        """Begin without any."""
        self._is_declared = declaration.is_declared
        self._nameless = frozenset(one.name for one in declaration.sources if one.kind == "postfix" and not one.host)
        self._heard: Counter[str] = Counter()
        self._hosts: dict[str, str] = {}
        self._took: dict[tuple[str, str], str] = {}
        self._arrived: dict[tuple[str, str], str] = {}

    def hear(self, events: Iterable[MessageEvent]) -> None:
        """Hear some events of one source, or of several."""
        for event in events:
            self._heard[event.source] += 1
            if self._heard[event.source] <= HEARD:
                self._hear(event)

    def _hear(self, event: MessageEvent) -> None:
        if event.source in self._nameless and not self._is_declared(event.host):
            self._hosts[event.host] = event.source
        if event.kind is not Kind.TRANSFERRED:
            return
        if event.side == "received":
            self._arrived[event.queue_id, event.message_key] = event.host
        elif event.peer and event.next_queue_id and not self._is_declared(event.peer):
            self._took[event.next_queue_id, event.message_key] = event.peer

    def said(self) -> list[str]:
        """A line for each stranger, with what to do."""
        known = Counter((peer, self._arrived[of]) for of, peer in self._took.items() if of in self._arrived)
        return [
            *(_of_lines(source, host) for host, source in sorted(self._hosts.items())),
            *(
                f"{peer} took what stands in the log of {host} ({count:,} of its arrivals): declare it as an alias of "
                f"{host}, else what is lost there is not found"
                for (peer, host), count in sorted(known.items())
                if peer != host
            ),
        ]


def _of_lines(source: str, host: str) -> str:
    if not host:
        return f"The lines of {source} name no host: none of its messages counts as ours. Say {source}'s host"
    return (
        f"The log of {source} has lines of {host}, which is not declared: none of its messages counts as ours. "
        f"Declare it as an alias of its host, or say {source}'s host"
    )
