"""Events of what came back to an origin: reports, receipts. Reference: streams/collect/reports.py."""

from typing import Any, NamedTuple

from streams.core.events import Kind, Traffic
from streams.core.identity import leg_of, message_key, pair_leg
from streams.simulate.acts import Receipted, Reported, Stay
from streams.simulate.scribe import Scribe


class _About(NamedTuple):
    """What came back is about: the message, where it was submitted, and the stays that it joins."""

    key: str
    origin: Stay | None
    legs: tuple[bytes, ...]
    by: Stay | None = None


def reported(scribe: Scribe, act: Reported) -> None:
    """A report came back."""
    key, origin = _subject(scribe, act.message_id, act.trace)
    by = Stay(host=scribe.declaration.host_of(act.by), queue_id=act.by_queue_id, at=0) if act.by_queue_id else None
    for one in act.told:
        first = one.original or one.final
        stays = [(stay, to) for stay, to in ((origin, first), (by, one.final)) if stay is not None]
        legs = tuple(leg_of(stay.host, stay.queue_id, to, key=key) for stay, to in stays)
        about = _About(key, stays[0][0] if stays else None, legs, by)
        told = {"action": one.action, "status": one.status, "original_recipient": one.original or None}
        _returned(scribe, Kind.REPORTED, act, stays[0][1] if stays else first, about, told)


def receipted(scribe: Scribe, act: Receipted) -> None:
    """A receipt came back."""
    key, origin = _subject(scribe, act.message_id, act.trace)
    origin = origin if act.original else None
    to = act.original or act.final
    legs = (leg_of(origin.host, origin.queue_id, to, key=key),) if origin else ()
    kind = Kind.READ if act.disposition == "displayed" else Kind.NOT_READ
    told = {"action": act.disposition, "traffic": Traffic.RECEIPT}
    _returned(scribe, kind, act, to, _About(key, origin, legs), told)


def _returned(
    scribe: Scribe, kind: Kind, act: Reported | Receipted, to: str, about: _About, told: dict[str, Any]
) -> None:
    """An event about the first stay, joined to the second where there is one."""
    stay, joined = about.origin, len(about.legs) > 1 and about.legs[0] != about.legs[1]
    where = f"{stay.host}/{stay.queue_id}" if stay else about.key
    scribe.put(
        kind,
        scribe.at,
        (where, about.legs[0] if about.legs else pair_leg(about.key, to)),
        to,
        message_key=about.key,
        message_id=act.message_id or None,
        host=stay.host if stay else "",
        queue_id=stay.queue_id if stay else "",
        next_leg=about.legs[1] if joined else None,
        peer=about.by.host if joined and about.by else None,
        next_queue_id=about.by.queue_id if joined and about.by else None,
        **told,
    )


def _subject(scribe: Scribe, message_id: str, trace: tuple[Stay, ...]) -> tuple[str, Stay | None]:
    """The key of what a report is about, and where it was submitted."""
    points = {point.host for point in scribe.declaration.submission_points}
    declared = [stay for stay in trace if scribe.declaration.is_declared(stay.host)]
    origin = next((stay for stay in declared if stay.host in points), declared[0] if declared else None)
    made = message_id.strip("<>").partition("@")[0]
    invented = origin is not None and made != origin.queue_id and any(made == stay.queue_id for stay in declared)
    if message_id and not invented:
        return message_key(message_id), origin
    if origin is None:
        return message_key(message_id, "", "-"), None
    return message_key(None, origin.host, origin.queue_id), origin
