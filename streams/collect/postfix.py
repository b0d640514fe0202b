"""Postfix logs to events.

Rules:
- A line is told apart by its program's daemon, then by its queue id; what a queue entry said before is remembered.
- An entry's arrival is told at qmgr's first line, and again for each recipient as soon as it is known: early by smtpd's
  "replacing command" (joined by process id), else by the first attempt. Its time is the arrival in a long queue id.
- An entry with a parent (`orig_queue_id`, `orig_id`, a client that is its own host) is never a submission.
- `status=expired` names no recipient: everyone still owed is refused, with the status of the last attempt.
- Lines of daemons that carry nothing for custody are counted; a line that should be understood and is not is counted with
  its place and reason.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any

import msgspec

from streams.collect import postfix_text as texts
from streams.collect.declaration import Declaration, Source, SubmissionPoint
from streams.collect.parser import Counts, Piece, Unread
from streams.collect.postfix_entry import Entry, Memory, Owed, Talk
from streams.collect.queueid import arrival, is_queue_id
from streams.collect.syslog import Line, Reader
from streams.core.errors import Misuse
from streams.core.events import Kind, MessageEvent, Traffic
from streams.core.identity import fact_id, leg_of, message_key, session_leg

LINGER = 600_000_000
"""Microseconds of log time for which a removed entry is still known: late lines about it come within seconds."""

EXAMPLES = 20
SECOND = 1_000_000
WORDS = 500
"""Characters of a peer's words that are kept."""

_AGENTS = frozenset({"smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard", "relay"})
_FINAL = frozenset({"lmtp", "local", "virtual", "pipe"})
_NOTICES = {
    "sender non-delivery notification": "failed",
    "sender delivery status notification": "delivered",
    "sender delay notification": "delayed",
}
_OPERATOR = {"placed on hold": Kind.HELD, "released from hold": Kind.RELEASED}


class PostfixParser:
    """Reads the log of one Postfix host (all its instances)."""

    def __init__(self, source: Source, declaration: Declaration) -> None:
        """Set up for one source."""
        self.counts = Counts()
        self.source, self.declaration = source, declaration
        self.through = 0
        self._reader = Reader(source.year, source.timezone)
        self._memory = Memory()
        self._points = {point.host: point for point in declaration.submission_points}
        self._place: dict[str, Any] = {}
        self._host = ""
        self._programs: dict[str, tuple[str, str]] = {}

    # The port

    def parse(self, pieces: Sequence[Piece], *, file: str, observed_at: int) -> Iterator[MessageEvent]:
        """The events of these lines, in order."""
        self._reader.reference = observed_at
        self._place = {"file": file, "observed_at": observed_at, "source": self.source.name}
        for piece in pieces:
            self.counts.pieces += 1
            self._place["offset"] = piece.offset
            yield from self._line(piece)

    def close(self) -> Iterable[MessageEvent]:
        """A log's end tells nothing that its lines did not."""
        return ()

    def state(self) -> bytes:
        """The memory of open entries, for the checkpoint."""
        self._memory.clock = self._reader.state()
        return msgspec.msgpack.encode(self._memory)

    def restore(self, state: bytes) -> None:
        """Take up the memory of a checkpoint.

        Raises:
            Misuse: it is of another version.
        """
        try:
            self._memory = msgspec.msgpack.decode(state, type=Memory)
        except msgspec.DecodeError as error:
            raise Misuse(f"The checkpoint of {self.source.name} is not of this version: {error}") from error
        if self._memory.version != Memory().version:
            raise Misuse(f"The checkpoint of {self.source.name} is of version {self._memory.version}.")
        self._reader.restore(self._memory.clock)

    # Lines

    def _line(self, piece: Piece) -> Iterator[MessageEvent]:
        raw = piece.raw
        line = self._reader.read(raw) if raw.strip() else None
        if line is None:
            self._unread("no time that can be read" if raw.strip() else "an empty line")
            return
        self._tick(line.at)
        service, daemon = self._program(line.program)
        if not daemon:
            self.counts.ignored[line.program or "(no program)"] += 1
            return
        self._host = self.source.host or self.declaration.host_of(line.host)
        yield from self._understand(line, service, daemon)

    def _tick(self, at: int) -> None:
        """Count lines within a second; facts that are alike are told apart within it only."""
        memory = self._memory
        self.through = max(self.through, at)
        second, count = memory.second
        if at // SECOND == second:
            memory.second = (second, count + 1)
        else:
            memory.second = (at // SECOND, 0)
            memory.alike = {}
            self._forget(at)

    def _forget(self, at: int) -> None:
        removed = self._memory.removed
        while removed and removed[0][0] < at - LINGER:
            _, queue_id = removed.pop(0)
            entry = self._memory.entries.get(queue_id)
            if entry and entry.removed_at is not None and entry.removed_at < at - LINGER:
                del self._memory.entries[queue_id]

    def _program(self, program: str) -> tuple[str, str]:
        """Service and daemon of `postfix-relay/reinject/smtpd`; ("", "") where it is not Postfix."""
        known = self._programs.get(program)
        if known is None:
            instance, *parts = program.split("/")
            known = ("", "") if not parts or "postfix" not in instance else ("/".join(parts[:-1]), parts[-1])
            if len(self._programs) < 4096:  # noqa: PLR2004 - foreign names cannot grow it for ever
                self._programs[program] = known
        return known

    def _understand(self, line: Line, service: str, daemon: str) -> Iterator[MessageEvent]:
        head, colon, rest = line.text.partition(": ")
        if colon and is_queue_id(head):
            reader = self._of_entry(daemon, service)
            if reader:
                yield from reader(line, head, rest)
                return
        elif daemon == "smtpd":
            self._smtpd_talk(line)
            return
        self.counts.ignored[daemon] += 1

    def _of_entry(self, daemon: str, service: str) -> Callable[[Line, str, str], Iterator[MessageEvent]] | None:
        if daemon in _AGENTS:
            return lambda line, queue_id, rest: self._attempted(line, queue_id, rest, daemon)
        match daemon:
            case "qmgr":
                return self._qmgr
            case "cleanup":
                return self._cleanup
            case "smtpd":
                return lambda line, queue_id, rest: self._smtpd(line, queue_id, rest, service)
            case "pickup":
                return self._pickup
            case "bounce":
                return self._bounce
            case "postsuper":
                return self._postsuper
            case _:
                return None

    # smtpd and pickup: where entries begin

    def _smtpd_talk(self, line: Line) -> None:
        """What an smtpd process says before it has a queue id."""
        text = line.text
        if text.startswith(("connect from", "disconnect from")):
            self._memory.talks.pop(line.pid, None)
        elif "replacing command" in text:
            early = texts.early_recipient(text)
            if early:
                self._hear(line.pid, *early)
        elif text.startswith("NOQUEUE: "):
            refused = texts.rejected_recipient(text)
            talk = self._memory.talks.get(line.pid)
            if talk and refused:
                talk.waiting.pop(refused, None)
            self.counts.ignored["smtpd NOQUEUE"] += 1
            return
        self.counts.ignored["smtpd"] += 1

    def _hear(self, pid: str, recipient: str, asked: bool | None) -> None:  # noqa: FBT001 - as heard
        talk = self._memory.talks.setdefault(pid, Talk())
        entry = self._memory.entries.get(talk.entry)
        if entry:
            entry.recipients.setdefault(recipient, Owed()).asked = asked
        else:
            talk.waiting[recipient] = asked

    def _smtpd(self, line: Line, queue_id: str, rest: str, service: str) -> Iterator[MessageEvent]:
        if rest.startswith("client="):
            said = texts.fields(rest)
            entry = self._begin(queue_id, line.at)
            entry.client, entry.service = said["client"], service
            entry.authenticated = "sasl_username" in said
            entry.parent = said.get("orig_queue_id", "")
            talk = self._memory.talks.setdefault(line.pid, Talk())
            entry.recipients = {to: Owed(asked=asked) for to, asked in talk.waiting.items()}
            talk.waiting, talk.entry = {}, queue_id
        elif rest.startswith("reject: "):
            refused = texts.rejected_recipient(rest)
            entry_ = self._memory.entries.get(queue_id)
            if entry_ and refused:
                entry_.recipients.pop(refused, None)
        else:
            self.counts.ignored["smtpd"] += 1
        yield from ()

    def _pickup(self, line: Line, queue_id: str, rest: str) -> Iterator[MessageEvent]:
        said = texts.fields(rest)
        entry = self._begin(queue_id, line.at)
        entry.local = True
        if "orig_id" in said:
            entry.parent, entry.requeued = said["orig_id"], True
        yield from ()

    def _begin(self, queue_id: str, at: int) -> Entry:
        """A new entry; one that was removed under this id is another message's."""
        entry = self._memory.entries.get(queue_id)
        if entry is None or entry.removed_at is not None or entry.arrived:
            entry = Entry(queue_id=queue_id, at=arrival(queue_id, at))
            self._memory.entries[queue_id] = entry
        return entry

    def _entry(self, queue_id: str, at: int) -> Entry:
        """The entry of a line; one that began before this log is known from here on."""
        entry = self._memory.entries.get(queue_id)
        return entry or self._begin(queue_id, at)

    # cleanup, bounce, qmgr

    def _cleanup(self, line: Line, queue_id: str, rest: str) -> Iterator[MessageEvent]:
        entry = self._memory.entries.get(queue_id)
        if entry is None or (entry.removed_at is not None and rest.startswith("message-id=")):
            entry = self._begin(queue_id, line.at)
        if rest.startswith("message-id="):
            if not entry.key:
                entry.message_id = rest.removeprefix("message-id=")
                entry.key = message_key(entry.message_id, self._host, queue_id)
            for talk in self._memory.talks.values():
                if talk.entry == queue_id:
                    talk.entry = ""
            return
        named = texts.header(rest)
        if named:
            level = texts.priority_of(*named)
            entry.priority = level if level is not None else entry.priority
        if rest.startswith(("hold: ", "milter-hold: ")):
            yield self._event(Kind.HELD, line.at, entry, diagnostic=rest[:WORDS])
        elif rest.startswith(("discard: ", "milter-discard: ")):
            yield from self._arrive(entry)
            yield self._event(Kind.DISCARDED, line.at, entry, diagnostic=rest[:WORDS])
        elif not named and not rest.startswith("resent-message-id="):
            self.counts.ignored["cleanup"] += 1

    def _bounce(self, line: Line, queue_id: str, rest: str) -> Iterator[MessageEvent]:
        notice, _, number = rest.partition(": ")
        if notice.startswith("postmaster") and number:
            self._entry(number, line.at).system = True
        elif notice in _NOTICES and number:
            subject, report = self._entry(queue_id, line.at), self._entry(number, line.at)
            self._key(subject)
            report.report, report.subject = _NOTICES[notice], subject.key
            notes = (f"notification={report.report}", *((f"report={report.key}",) if report.key else ()))
            yield self._event(Kind.REPORTED, line.at, subject, action="issued", next_queue_id=number, attributes=notes)
        else:
            self.counts.ignored["bounce"] += 1

    def _qmgr(self, line: Line, queue_id: str, rest: str) -> Iterator[MessageEvent]:
        if rest == "removed":
            yield from self._removed(line, queue_id)
            return
        entry = self._entry(queue_id, line.at)
        said = texts.fields(rest)
        if "status" in said:
            yield from self._expired(line, entry, said["status"])
        elif "nrcpt" in said:
            entry.originator = texts.bare(said.get("from", ""))
            entry.size = _number(said.get("size"))
            entry.expected = _number(said["nrcpt"])
            yield from self._arrive(entry)
        elif "skipped" in rest:
            self.counts.ignored["qmgr"] += 1
        else:
            self._unread("a line of qmgr of an unknown form")

    def _removed(self, line: Line, queue_id: str) -> Iterator[MessageEvent]:
        entry = self._entry(queue_id, line.at)
        self._key(entry)
        entry.removed_at = line.at
        self._memory.removed.append((line.at, queue_id))
        yield self._event(Kind.REMOVED, line.at, entry)

    def _expired(self, line: Line, entry: Entry, status: str) -> Iterator[MessageEvent]:
        yield from self._arrive(entry)
        owed = {to: one for to, one in entry.recipients.items() if not one.gone} or {"": Owed()}
        for to, one in owed.items():
            one.gone = True
            yield self._event(
                Kind.REFUSED,
                line.at,
                entry,
                to,
                status=one.status or "4.4.7",
                diagnostic=status,
                action="forced" if entry.expiring or status.startswith("force") else "expired",
            )

    def _postsuper(self, line: Line, queue_id: str, rest: str) -> Iterator[MessageEvent]:
        entry = self._entry(queue_id, line.at)
        self._key(entry)
        note = (f"pid={line.pid}",)
        if rest in _OPERATOR:
            yield self._event(_OPERATOR[rest], line.at, entry, attributes=note)
        elif rest == "requeued":
            yield self._event(Kind.REROUTED, line.at, entry, attributes=note)
        elif rest == "expired":
            entry.expiring = True
        elif rest == "removed":
            owed = [to for to, one in entry.recipients.items() if not one.gone]
            for to in ("", *owed):
                yield self._event(Kind.DELETED, line.at, entry, to, attributes=note)
            entry.removed_at = line.at
            self._memory.removed.append((line.at, queue_id))
        else:
            self._unread("a line of postsuper of an unknown form")

    # Delivery agents

    def _attempted(self, line: Line, queue_id: str, rest: str, daemon: str) -> Iterator[MessageEvent]:
        attempt = texts.attempt(rest)
        if attempt is None:
            if rest.startswith(("to=", "status=")):
                self._unread(f"a line of {daemon} of an unknown form")
            else:
                self.counts.ignored[daemon] += 1
            return
        entry = self._entry(queue_id, line.at)
        yield from self._arrive(entry)
        yield from self._meet(line, entry, attempt)
        yield from self._outcome(line, entry, attempt, daemon)

    def _meet(self, line: Line, entry: Entry, attempt: texts.Attempt) -> Iterator[MessageEvent]:
        """A recipient that an attempt names; one that was rewritten stands for the one it was."""
        first = attempt.orig_to or attempt.to
        same = first.lower() == attempt.to.lower()
        yield from self._announce(entry, first)
        if not same:
            owed = entry.recipients.setdefault(attempt.to, Owed(announced=True))
            owed.announced = True
            entry.recipients[first].gone = True
            edge = f"{first}\0{attempt.to}"
            if edge not in entry.redirected:
                entry.redirected.append(edge)
                target = leg_of(self._host, entry.queue_id, attempt.to, key=entry.key)
                notes = (f"to={attempt.to}",)
                yield self._event(Kind.REDIRECTED, line.at, entry, first, next_leg=target, attributes=notes)

    def _outcome(self, line: Line, entry: Entry, attempt: texts.Attempt, daemon: str) -> Iterator[MessageEvent]:
        owed = entry.recipients[attempt.to]
        owed.status = attempt.dsn
        told: dict[str, Any] = {
            "status": attempt.dsn or None,
            "diagnostic": attempt.reply[:WORDS] or None,
            "original_recipient": attempt.orig_to,
            "attributes": (f"delays={attempt.delays}",) if attempt.delays else (),
        }
        match attempt.status:
            case "sent":
                owed.gone = True
                yield self._sent(line, entry, attempt, daemon, told)
            case "deferred":
                yield self._event(Kind.DEFERRED, line.at, entry, attempt.to, peer=self._peer(attempt), **told)
            case "bounced" | "expired":
                owed.gone = True
                yield self._event(Kind.REFUSED, line.at, entry, attempt.to, peer=self._peer(attempt), **told)
            case "deliverable" | "undeliverable":
                self.counts.ignored["verify"] += 1
            case other:
                self._unread(f"unknown status {other[:40]!r}")

    def _sent(
        self, line: Line, entry: Entry, attempt: texts.Attempt, daemon: str, told: dict[str, Any]
    ) -> MessageEvent:
        key, peer = entry.key, self._peer(attempt)
        if daemon == "discard" or attempt.is_discarded:
            return self._event(Kind.DISCARDED, line.at, entry, attempt.to, peer=peer, **told)
        if attempt.forwarded_as:
            number = attempt.forwarded_as
            leg = leg_of(self._host, number, attempt.to, key=key)
            return self._transferred(
                line, entry, attempt, told | {"next_queue_id": number, "next_leg": leg, "peer": self._host}
            )
        if attempt.session:
            leg = session_leg(attempt.session)
            return self._event(
                Kind.DELIVERED,
                line.at,
                entry,
                attempt.to,
                peer=peer,
                next_queue_id=attempt.session,
                next_leg=leg,
                **told,
            )
        if daemon in _FINAL and not attempt.queued_as:
            return self._event(Kind.DELIVERED, line.at, entry, attempt.to, peer=peer, **told)
        number = attempt.queued_as
        leg_ = leg_of(peer or "", number, attempt.to, key=key) if number else None
        return self._transferred(
            line, entry, attempt, told | {"next_queue_id": number or None, "next_leg": leg_, "peer": peer}
        )

    def _transferred(self, line: Line, entry: Entry, attempt: texts.Attempt, told: dict[str, Any]) -> MessageEvent:
        action = "relayed" if self._is_mute(told["peer"]) else None
        return self._event(Kind.TRANSFERRED, line.at, entry, attempt.to, side="sent", action=action, **told)

    def _peer(self, attempt: texts.Attempt) -> str | None:
        if attempt.relay in {"none", "local", "virtual"}:
            return None
        name, address = texts.relay_names(attempt.relay)
        return self.declaration.host_of(name if self.declaration.is_declared(name) or not address else address)

    def _is_mute(self, peer: str | None) -> bool:
        return any(host.name == peer and host.reports is False for host in self.declaration.hosts)

    # Arrivals

    def _arrive(self, entry: Entry) -> Iterator[MessageEvent]:
        """Tell that an entry is here, and which of its recipients are known."""
        if entry.arrived:
            return
        entry.arrived = True
        self._key(entry)
        if entry.parent and entry.requeued:
            yield from self._requeued(entry)
        yield self._arrival(entry, "")
        for recipient in list(entry.recipients):
            yield from self._announce(entry, recipient)

    def _requeued(self, entry: Entry) -> Iterator[MessageEvent]:
        """Recipients that the entry before this one still owed pass on to it."""
        before = self._memory.entries.get(entry.parent)
        for recipient, owed in (before.recipients if before else {}).items():
            if not owed.gone:
                entry.recipients.setdefault(recipient, Owed(asked=owed.asked))

    def _announce(self, entry: Entry, recipient: str) -> Iterator[MessageEvent]:
        owed = entry.recipients.setdefault(recipient, Owed())
        if owed.announced:
            return
        owed.announced = True
        yield self._arrival(entry, recipient)
        if entry.parent:
            number, leg = entry.queue_id, leg_of(self._host, entry.queue_id, recipient, key=entry.key)
            before = Entry(queue_id=entry.parent, at=entry.at, key=entry.key)
            yield self._event(Kind.REROUTED, entry.at, before, recipient, next_queue_id=number, next_leg=leg)

    def _arrival(self, entry: Entry, recipient: str) -> MessageEvent:
        traffic = self._traffic(entry, recipient)
        submitted = traffic not in {Traffic.TRANSIT, Traffic.INBOUND}
        owed = entry.recipients.get(recipient)
        return self._event(
            Kind.SUBMITTED if submitted else Kind.TRANSFERRED,
            entry.at,
            entry,
            recipient,
            side=None if submitted else "received",
            traffic=traffic,
            peer=self._client(entry),
            message_id=entry.message_id,
            originator=entry.originator or "",
            recipients_expected=entry.expected,
            priority=entry.priority,
            size=entry.size,
            subject_key=entry.subject,
            action=entry.report or None,
            report_requested=owed.asked if owed else None,
        )

    def _client(self, entry: Entry) -> str | None:
        if not entry.client:
            return None
        name, address = texts.relay_names(entry.client)
        return self.declaration.host_of(name if self.declaration.is_declared(name) else address)

    def _traffic(self, entry: Entry, recipient: str) -> Traffic:
        """The class of an entry; DESIGN, "What is owed, and to whom"."""
        sender = entry.originator or ""
        if entry.parent or self._is_own_client(entry):
            return Traffic.TRANSIT
        if sender.startswith("double-bounce@"):
            return Traffic.PROBE
        if entry.system:
            return Traffic.SYSTEM
        if entry.report or sender == "":
            return self._report_traffic(entry)
        point = self._points.get(self._host)
        if point and self._is_submission(point, entry):
            return Traffic.OURS
        return self._foreign_traffic(entry, recipient)

    def _report_traffic(self, entry: Entry) -> Traffic:
        """A notification made here begins here; one that came in is on its way."""
        return Traffic.TRANSIT if entry.client else Traffic.REPORT

    def _foreign_traffic(self, entry: Entry, recipient: str) -> Traffic:
        name, address = texts.relay_names(entry.client)
        known = self.declaration.is_declared(name) or self.declaration.is_declared(address)
        if known or not entry.client:
            return Traffic.TRANSIT
        domain = recipient.rpartition("@")[2].lower()
        return Traffic.INBOUND if not recipient or domain in self.declaration.local_domains else Traffic.TRANSIT

    def _is_own_client(self, entry: Entry) -> bool:
        """A content filter hands back through an address of its own host."""
        if not entry.client:
            return False
        name, address = texts.relay_names(entry.client)
        return self._host in {self.declaration.host_of(name), self.declaration.host_of(address)} and self._host != name

    def _is_submission(self, point: SubmissionPoint, entry: Entry) -> bool:
        if entry.local:
            return point.local
        if not entry.client:
            return False
        if entry.service in point.services or (point.authenticated and entry.authenticated):
            return True
        try:
            address = ip_address(texts.address_of(entry.client))
        except ValueError:
            return False
        return any(address in network for network in point.networks)

    def _key(self, entry: Entry) -> None:
        entry.key = entry.key or message_key(None, self._host, entry.queue_id)

    # Events

    def _event(self, kind: Kind, at: int, entry: Entry, recipient: str = "", **fields: Any) -> MessageEvent:
        memory = self._memory
        where = f"{self._host}/{entry.queue_id}"
        outcome = f"{fields.get('action')}|{fields.get('status')}|{fields.get('next_queue_id')}"
        alike = f"{kind}|{where}|{recipient}|{outcome}|{at // SECOND}"
        ordinal = memory.alike.get(alike, 0)
        memory.alike[alike] = ordinal + 1
        self.counts.events += 1
        return MessageEvent(
            event_id=fact_id(kind, where, recipient, at, outcome, ordinal),
            kind=kind,
            occurred_at=at,
            leg=leg_of(self._host, entry.queue_id, recipient, key=entry.key),
            message_key=entry.key,
            host=self._host,
            queue_id=entry.queue_id,
            recipient=recipient,
            seq=memory.second[1],
            **fields,
            **self._place,
        )

    def _unread(self, reason: str) -> None:
        self.counts.unread[reason] += 1
        if len(self.counts.examples) < EXAMPLES:
            self.counts.examples.append(Unread(file=self._place["file"], offset=self._place["offset"], reason=reason))


def _number(text: str | None) -> int | None:
    digits = (text or "").split(" ", 1)[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None  # noqa: PLR2004 - int64
