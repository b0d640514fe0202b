"""Classes of traffic: whose message a queue entry is, and whether it begins here.

Rules:
- An entry with a parent (`orig_queue_id`, `orig_id`), one that a content filter hands back, and one that local(8) made
  by forwarding is never a submission: it is a later leg of what came before.
- What a client is to its host is found out once: clients come again and again.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address

from streams.collect.declaration import SubmissionPoint
from streams.collect.postfix_desk import Desk, Party, Standing
from streams.collect.postfix_entry import Entry
from streams.core.events import Traffic

_KEPT = 16_384

_PROBER = "double-bounce@"
"""What bounces of bounces and address_verify probes are sent as (double_bounce_sender)."""

_ROBOTS = frozenset({"root", "cron", "daemon", "nobody"})
"""Who calls `sendmail` under a bare login name on behalf of nobody."""

_OURS, _REPORT, _TRANSIT = Traffic.OURS.value, Traffic.REPORT.value, Traffic.TRANSIT.value
_SYSTEM, _PROBE = Traffic.SYSTEM.value, Traffic.PROBE.value


def classify(desk: Desk, entry: Entry) -> None:
    """Set the class of an entry, and whether it begins here."""
    standing = _standing(desk, entry) if entry.client else _called(desk, entry)
    entry.traffic = traffic = _traffic(entry, standing)
    begins = not entry.client or (standing.ours and not entry.parent)
    entry.submitted = begins and traffic not in {"", _TRANSIT}


def outside(desk: Desk, recipient: str) -> Traffic:
    """Accepted from outside: for us, or for somebody else."""
    domain = recipient.rpartition("@")[2].lower()
    return Traffic.INBOUND if not recipient or domain in desk.declaration.local_domains else Traffic.TRANSIT


def _traffic(entry: Entry, standing: Standing) -> str:
    """The class of an entry; "" where the recipient's domain decides."""
    sender = entry.originator
    if entry.parent or sender is None:  # None: it began before this log
        return _TRANSIT
    if entry.system or (entry.local and entry.login in _ROBOTS):
        return _SYSTEM
    if sender.startswith(_PROBER):
        return _PROBE
    if entry.report or not sender:
        return _report(entry, standing)
    return _OURS if standing.ours else _TRANSIT if standing.known else ""


def _report(entry: Entry, standing: Standing) -> str:
    """A notification made here begins here; one that was forwarded here, or comes from a known host, is on its way."""
    if entry.client:
        return _TRANSIT if standing.known and not standing.ours else _REPORT
    made_here = bool(entry.report) or entry.local or entry.queue_id in (entry.message_id or "")
    return _REPORT if made_here else _TRANSIT


def _called(desk: Desk, entry: Entry) -> Standing:
    """What came through `sendmail`, or (known: it is on its way) was forwarded by local(8)."""
    point = desk.points.get(desk.spool.host)
    return Standing(ours=point is not None and entry.local and point.local, known=True)


def _standing(desk: Desk, entry: Entry) -> Standing:
    """What the client of an entry is to its host."""
    key = (desk.spool.host, entry.client, entry.service, entry.authenticated)
    standing = desk.standings.get(key)
    if standing is None:
        if len(desk.standings) >= _KEPT:  # foreign clients cannot grow it for ever
            desk.standings.clear()
        party, point = desk.parties[entry.client], desk.points.get(desk.spool.host)
        back = _hands_back(desk, entry, party)
        ours = point is not None and _is_submission(point, entry, party, back=back)
        standing = desk.standings[key] = Standing(ours=ours, known=party.declared or back)
    return standing


def _is_submission(point: SubmissionPoint, entry: Entry, party: Party, *, back: bool) -> bool:
    if _is_named(point, entry.service) or (point.authenticated and entry.authenticated):
        return True
    return not back and _is_in(party.address, point.networks)


def _is_named(point: SubmissionPoint, service: str) -> bool:
    """Is a program's name before the daemon (`postfix/submission`), or its last part, a declared service."""
    return bool(point.services) and (service in point.services or service.rpartition("/")[2] in point.services)


def _hands_back(desk: Desk, entry: Entry, party: Party) -> bool:
    """A content filter hands back to a service of its own, from an address of its own host."""
    here = {party.name, desk.here(party), desk.declaration.host_of(party.address)}
    return "/" in entry.service and desk.spool.host in here


def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    return any(client in network for network in networks)
