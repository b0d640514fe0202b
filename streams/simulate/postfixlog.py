"""Acts to the lines that Postfix 3.x writes about them, as the samples of real logs have them.

Rules:
- An act makes one line or several, each by its own daemon and process; they stand some microseconds apart, so that the
  sessions of a busy host interleave as they do in life.
- What Postfix does not log is not here: recipients nobody asked about stay unnamed until an attempt, an ENVID is seen
  only where a command filter put it in, a header only where header_checks has INFO for it.
- smtpd shows the first hundred characters of a command.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from streams.simulate.acts import (
    Act,
    Agent,
    Attempted,
    Entered,
    Entrant,
    Expired,
    Left,
    Notice,
    Noticed,
    Order,
    Ordered,
    Via,
)
from streams.simulate.directory import Directory

STEP = 60
"""Microseconds between the lines of one act."""

_SHOWN = 100
_PRIORITIES = {4: "urgent", 0: "normal", -4: "non-urgent"}
_SUMMARIES = {
    Order.DELETED: "Deleted",
    Order.HELD: "Placed on hold",
    Order.RELEASED: "Released from hold",
    Order.REQUEUED: "Requeued",
}
_NOTICES = {Notice.FAILED: "sender non-delivery notification", Notice.DELAYED: "sender delay notification"}
_SUCCESS = "sender delivery status notification"
_PIDS = {"qmgr": 1, "pickup": 1, "bounce": 4, "postsuper": 9973}
"""Processes of a daemon; others have as many as `_MANY`."""

_MANY = 40
_FIRST_PID = 1200

Said = tuple[int, str]
"""True time, microseconds, and what follows the time and the host in a line."""


class Queued(NamedTuple):
    """What qmgr says of an entry whenever it takes it up.

    Attributes:
        sender: envelope sender.
        size: bytes.
        owed: recipients to whom something is owed still.
        taken_up: when it last did, true time; no line about the entry stands before.
    """

    sender: str
    size: int
    owed: int
    taken_up: int


class PostfixLog:
    """Writes the log of one host."""

    def __init__(self, directory: Directory) -> None:
        """An empty queue."""
        self._directory = directory
        self._queue: dict[str, Queued] = {}
        self._turns: dict[str, int] = {}
        self._says: dict[type[Act], Callable[[Any], Iterator[Said]]] = {
            Entered: self._entered,
            Attempted: self._attempted,
            Expired: self._expired,
            Left: self._left,
            Ordered: self._ordered,
            Noticed: self._noticed,
        }

    def lines(self, act: Act) -> Iterator[Said]:
        """The lines of an act of this host."""
        says = self._says.get(type(act))
        return says(act) if says else iter(())

    def _tag(self, daemon: str) -> str:
        """Program and process of a daemon; the processes take turns."""
        turn = self._turns[daemon] = self._turns.get(daemon, -1) + 1
        name = daemon.rpartition("/")[2]
        offset = 50 * (sum(name.encode()) % 89)
        return f"postfix/{daemon}[{_FIRST_PID + offset + turn % _PIDS.get(name, _MANY)}]: "

    # arrivals

    def _entered(self, act: Entered) -> Iterator[Said]:
        at = act.at
        for text in self._arrival(act):
            yield at, text
            at += STEP
        taken_up = Queued(act.sender, act.size, len(act.recipients), max(at, act.at + 3 * STEP))
        self._queue[act.queue_id] = taken_up
        yield taken_up.taken_up, self._active(act.queue_id, taken_up)

    def _active(self, queue_id: str, queued: Queued) -> str:
        said = f"from=<{queued.sender}>, size={queued.size}, nrcpt={queued.owed} (queue active)"
        return f"{self._tag('qmgr')}{queue_id}: {said}"

    def _arrival(self, act: Entered) -> Iterator[str]:
        match act.via:
            case Via.NOTICE:
                return
            case Via.FORWARD:
                yield from self._cleanup(act, "local")
            case Via.LOCAL | Via.REQUEUE:
                origin = f" orig_id={act.parent}" if act.via is Via.REQUEUE else ""
                caller = act.login or act.sender if act.via is Via.LOCAL else act.sender
                uid = 102 if origin else 0 if caller == "root" else 1000
                yield f"{self._tag('pickup')}{act.queue_id}: uid={uid} from=<{caller}>{origin}"
                yield from self._cleanup(act, "local")
            case _:
                yield from self._session(act)

    def _session(self, act: Entered) -> Iterator[str]:
        """What smtpd and cleanup say while a client speaks."""
        client, smtpd = self._directory.client(act.client, act.address), self._tag(act.service or "smtpd")
        heard = [entrant for entrant in act.recipients if entrant.heard]
        yield f"{smtpd}connect from {client}"
        if act.envelope_id and heard:
            mail = f"MAIL FROM:<{act.sender}>"
            yield f"{smtpd}{client}: {_replaced(mail, f'{mail} ENVID={act.envelope_id}')}"
        for entrant in heard[:1]:
            yield f"{smtpd}{client}: {_heard(entrant)}"
        yield f"{smtpd}{act.queue_id}: client={client}{self._more(act)}"
        for entrant in heard[1:]:
            yield f"{smtpd}{client}: {_heard(entrant)}"
        yield from self._cleanup(act, client)
        yield f"{smtpd}disconnect from {client} {_commands(act)}"

    def _more(self, act: Entered) -> str:
        if act.via is Via.FILTER:
            return f", orig_queue_id={act.parent}, orig_client={self._directory.client(act.client, act.address)}"
        return f", sasl_method=PLAIN, sasl_username={act.login}" if act.via is Via.SASL else ""

    def _cleanup(self, act: Entered, client: str) -> Iterator[str]:
        cleanup = f"{self._tag('cleanup')}{act.queue_id}: "
        yield f"{cleanup}message-id={act.message_id or '<>'}"
        for header in _headers(act):
            yield f"{cleanup}info: header {header} {self._spoken(act, client)}"

    def _spoken(self, act: Entered, client: str) -> str:
        """From whom a header came."""
        to = f" to=<{act.recipients[0].to}>" if act.recipients else ""
        spoken = "" if client == "local" else f" proto=ESMTP helo=<{client.partition('[')[0]}>"
        return f"from {client}; from=<{act.sender}>{to}{spoken}"

    # deliveries

    def _attempted(self, act: Attempted) -> Iterator[Said]:
        queued = self._queue.get(act.queue_id)
        at = act.at
        if queued is None or act.at - queued.taken_up > _WAITED:
            queued = queued or Queued("", 0, 1, 0)
            if queued.sender or queued.size:  # taken up again; what came before our beginning is not known
                yield at - STEP, self._active(act.queue_id, queued)
            queued = queued._replace(taken_up=at)
        at = max(at, queued.taken_up)
        agent = self._tag(str(act.agent))
        if act.status == "deferred" and not act.relay and act.reply.startswith("connect to "):
            yield at, f"{agent}{act.reply}"
        owed = queued.owed - (act.status != "deferred")
        self._queue[act.queue_id] = queued._replace(owed=max(owed, 1))
        yield at, f"{agent}{act.queue_id}: {self._outcome(act)}"

    def _outcome(self, act: Attempted) -> str:
        orig_to = f", orig_to=<{act.orig_to}>" if act.orig_to else ""
        total = max(0, act.at - act.arrived)
        return (
            f"to=<{act.to}>{orig_to}, relay={self._relay(act)}, delay={seconds(total)}, delays={delays(total)}, "
            f"dsn={act.dsn}, status={act.status} ({act.reply})"
        )

    def _relay(self, act: Attempted) -> str:
        match act.agent:
            case Agent.LOCAL | Agent.VIRTUAL:
                return str(act.agent)
            case Agent.ERROR | Agent.DISCARD:
                return "none"
            case _ if not act.relay:
                return "none"
            case Agent.PIPE:
                return act.relay
            case _:
                return f"{self._directory.client(act.relay, act.address)}:{act.port}"

    # ends

    def _left(self, act: Left) -> Iterator[Said]:
        yield self._not_before(act), f"{self._tag('qmgr')}{act.queue_id}: removed"
        self._queue.pop(act.queue_id, None)

    def _expired(self, act: Expired) -> Iterator[Said]:
        at, word = self._not_before(act), "expired"
        if act.forced:
            postsuper, word = self._tag("postsuper"), "force-expired"
            yield at - 2 * STEP, f"{postsuper}{act.queue_id}: expired"
            yield at - STEP, f"{postsuper}Force-expired: 1 message"
        yield at, f"{self._tag('qmgr')}{act.queue_id}: from=<{act.sender}>, status={word}, returned to sender"

    def _ordered(self, act: Ordered) -> Iterator[Said]:
        at, postsuper = self._not_before(act), self._tag("postsuper")
        yield at, f"{postsuper}{act.queue_id}: {act.order}"
        yield at, f"{postsuper}{_SUMMARIES[act.order]}: 1 message"
        if act.order in {Order.DELETED, Order.REQUEUED}:
            self._queue.pop(act.queue_id, None)

    def _noticed(self, act: Noticed) -> Iterator[Said]:
        at = self._not_before(act)
        notice = _NOTICES.get(act.notice, _SUCCESS)
        yield at - STEP, f"{self._tag('cleanup')}{act.notice_id}: message-id={act.notice_message_id}"
        yield at, f"{self._tag('bounce')}{act.queue_id}: {notice}: {act.notice_id}"

    def _not_before(self, act: Left | Expired | Ordered | Noticed) -> int:
        queued = self._queue.get(act.queue_id)
        return max(act.at, queued.taken_up) if queued else act.at


_WAITED = 1_000_000
"""Microseconds after which an attempt is not of the same activation."""


def _headers(act: Entered) -> Iterator[str]:
    """Headers that header_checks have logged."""
    if act.priority is not None:
        name = _PRIORITIES.get(act.priority)
        yield f"Priority: {name}" if name else f"MT-Priority: {act.priority}"
    if act.receipt_to:
        yield f"Disposition-Notification-To: {act.receipt_to}"


def _replaced(one: str, other: str) -> str:
    return f'replacing command "{one[:_SHOWN]}" with "{other[:_SHOWN]}"'


def _heard(entrant: Entrant) -> str:
    command = f"RCPT TO:<{entrant.to}>"
    match entrant.asked:
        case True:
            return _replaced(command, f"{command} NOTIFY=SUCCESS,FAILURE,DELAY")
        case False:
            return _replaced(f"{command} NOTIFY=NEVER", f"{command} NOTIFY=NEVER")
        case None:
            return _replaced(command, command)


def _commands(act: Entered) -> str:
    login = " auth=1" if act.via is Via.SASL else " xforward=2" if act.via is Via.FILTER else ""
    count = len(act.recipients) + 4 + (1 if "auth" in login else 2 if login else 0)
    return f"ehlo=1{login} mail=1 rcpt={len(act.recipients)} data=1 quit=1 commands={count}"


def seconds(micros: int) -> str:
    """A delay as Postfix writes it: two significant digits, at most two of them after the point."""
    centis = (micros + 5_000) // 10_000
    if centis >= 1_000:  # noqa: PLR2004 - ten seconds
        return str((micros + 500_000) // 1_000_000)
    if centis >= 100:  # noqa: PLR2004 - a second
        centis = (centis + 5) // 10 * 10
    return f"{centis / 100:.2f}".rstrip("0").rstrip(".")


def delays(total: int) -> str:
    """The four parts of a delay: before the queue manager, in it, for the connection, for the transmission."""
    tail = min(total, 50_000)
    parts = (total - tail + tail * 3 // 10, tail // 10, tail * 2 // 10, tail * 4 // 10)
    return "/".join(map(seconds, parts))
