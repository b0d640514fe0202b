"""Every fault that can be planted, and how one is asked for.

Rules:
- A fault of messages has a rate: the share of messages that it befalls. At a stated moment it befalls the first message
  after it that it can befall.
- A fault of places (a host, a source, a pair of hosts) has a rate too: how often a day. At a stated moment it befalls
  the place that is named, for as long as is said.
- What is usual at a rate of 0 befalls only whom it is wished for: a new fault would make other days of all seeds.
- The table below is the one list of faults: the help of `custody simulate` is made from it.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from streams.core.errors import Misuse

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that can be planted.

    Attributes:
        name: as it is asked for.
        of: "message", "host", "source" or "pair" (of hosts).
        what: one sentence.
        usual: rate in the usual plan: the share of messages, or how often a day.
        lasts: shortest and longest duration, minutes, where it befalls a place.
    """

    name: str
    of: str
    what: str
    usual: float
    lasts: tuple[int, int] = (0, 0)


def _of_messages(name: str, usual: float, what: str) -> Fault:
    return Fault(name=name, of="message", what=what, usual=usual)


def _of_place(name: str, of: str, lasts: tuple[int, int], what: str) -> Fault:
    return Fault(name=name, of=of, what=what, usual=1.0, lasts=lasts)


FAULTS = {
    fault.name: fault
    for fault in (
        _of_messages("lost-inside", 0.001, "A switch loses a message that it accepted; its log says no more of it."),
        _of_messages("twin-lost", 0.0005, "A message is submitted twice with one Message-ID; one of the two is lost."),
        _of_messages("deleted", 0.0005, "An operator deletes a message from a queue."),
        _of_messages("held", 0.0003, "An operator puts a message on hold and forgets it."),
        _of_messages("misrouted", 0.0005, "An operator's table sends a message to somebody else's mailbox."),
        _of_messages("diverted", 0.0003, "A message is turned to a stranger's mailbox; its report is kept back."),
        _of_messages("dropped", 0.0003, "A switch says that it handed a message on, and did not."),
        _of_messages("report-lost", 0.001, "A report is lost inside a switch on its way back."),
        _of_messages("report-deleted", 0.0003, "An operator deletes a report from a queue."),
        _of_messages("report-uncollected", 0.0005, "A report comes back and nobody collects it."),
        _of_messages("report-late", 0.0005, "A report lies in a queue until long after it was due."),
        _of_messages("report-forged", 0.0003, "A report comes in for a message that was never sent."),
        _of_messages("report-early", 0.0003, "A report is read before the log that tells the submission."),
        _of_messages("absent", 0.0005, "The recipient is away: mail for a watched desk is not opened."),
        _of_messages("duplicate", 0.0005, "A store's answer gets lost, and the message is delivered twice."),
        _of_messages("loop", 0.0003, "Two switches hand a message to each other until one gives up."),
        _of_messages("id-missing", 0.002, "A client sends no Message-ID, and no switch adds one."),
        _of_messages("id-invented", 0.001, "A client sends no Message-ID; the second switch invents one."),
        _of_messages("id-repeated", 0.001, "A message is submitted twice with one Message-ID; both arrive."),
        _of_messages("id-reused", 0.0005, "A Message-ID is used again for another message to another recipient."),
        _of_messages("report-bounced", 0.0, "Nobody takes a message, nor the report that tells its originator so."),
        _of_messages("stranded", 0.0, "An operator puts a message in again, and nothing takes it up."),
        _of_place("host-down", "host", (20, 90), "A host does not answer; mail for it waits."),
        _of_place("disk-lost", "host", (10, 30), "A host's disk dies: its queue is gone, its log ends within a line."),
        _of_place("net-cut", "pair", (20, 90), "A host cannot reach another; the way back works."),
        _of_place("congestion", "host", (20, 60), "A host takes long for everything."),
        _of_place("clock-skew", "host", (60, 240), "A host's clock is wrong by minutes."),
        _of_place("log-late", "source", (60, 240), "A log is handed in hours late; its collector does not know."),
        _of_place("collector-down", "source", (20, 90), "A collector is down; then it reads on where it was."),
        _of_place("log-twice", "source", (30, 120), "A log is read twice."),
    )
}
"""By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for.

    Attributes:
        fault: which.
        rate: share of messages, or how often a day; 0 where a moment is stated.
        at: microseconds after the span's begin; None where a rate is stated.
        lasts: microseconds; 0: as is usual.
        where: a host, a source, or `host>host`; "" is anywhere.
    """

    fault: Fault
    rate: float = 0.0
    at: int | None = None
    lasts: int = 0
    where: str = ""


USUAL = tuple(Wish(fault=fault, rate=fault.usual) for fault in FAULTS.values())
"""A little of everything."""

_WISH = re.compile(
    r"(?P<name>[a-z-]+)=(?:(?P<rate>\d*\.?\d+)|(?P<where>[\w.>-]*)@(?P<at>\d+:\d\d)(?:/(?P<lasts>\w+))?)"
)
_LASTS = re.compile(r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")
HOW = "write report-lost=0.001 (a rate), host-down=hub-east@10:00/20m (a moment), all or none"


def wish(text: str) -> Wish:
    """What `--fault TEXT` asks for: `NAME=RATE` or `NAME=[WHERE]@HH:MM[/DURATION]`.

    Raises:
        Misuse: it has another form, or there is no such fault.
    """
    found = _WISH.fullmatch(text)
    if found is None:
        raise Misuse(f"--fault {text}: not understood.", hint=HOW)
    fault = FAULTS.get(found["name"])
    if fault is None:
        raise Misuse(f"There is no fault {found['name']!r}.", hint=f"there are: {', '.join(FAULTS)}")
    if found["rate"]:
        rate = float(found["rate"])
        if fault.of == "message" and rate > 1:
            raise Misuse(f"--fault {text}: a share of messages is at most 1.", hint=HOW)
        return Wish(fault=fault, rate=rate)
    hours, minutes = found["at"].split(":")
    lasts = duration(found["lasts"]) if found["lasts"] else 0
    return Wish(fault=fault, at=int(hours) * HOUR + int(minutes) * MINUTE, lasts=lasts, where=found["where"])


def wishes(texts: tuple[str, ...]) -> tuple[Wish, ...]:
    """What all `--fault` options ask for; none given, or `all`, is the usual plan, and `none` is nothing.

    Raises:
        Misuse: see `wish`.
    """
    if texts in {(), ("all",)}:
        return USUAL
    named = [text for text in texts if text not in {"all", "none"}]
    return (*(USUAL if "all" in texts else ()), *(wish(text) for text in named))


def duration(text: str) -> int:
    """Microseconds of `20m`, `36h`, `1h30m`.

    Raises:
        Misuse: it is no duration.
    """
    found = _LASTS.fullmatch(text)
    if not text or found is None:
        raise Misuse(f"{text!r} is no duration.", hint="write 20m, 36h or 1h30m")
    try:
        span = timedelta(**{unit: int(number) for unit, number in found.groupdict("0").items()})
    except (OverflowError, ValueError) as error:
        raise Misuse(f"{text!r} is too long.", hint="write 20m, 36h or 1h30m") from error
    return span // timedelta(microseconds=1)
