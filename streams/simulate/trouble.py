"""The plan of what goes wrong with places: when a host is down, a way is cut, a clock is wrong, a log is late.

Everything is drawn before the play begins, from the seed, so that a play can ask "is it down now" at any moment.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.simulate.faults import DAY, MINUTE, Wish
from streams.simulate.network import Network
from streams.simulate.world import REPORTS, Fate, Gap, Skew, shown

Span = tuple[int, int]

LAST_WORDS = 20 * 1_000_000
"""Microseconds of a log that were not on the disk yet when it died."""

PILE = 4 * MINUTE
"""Before its disk dies, a host is slow for so long: there is something to lose."""

FATES = {"log-late": Fate.LATE, "collector-down": Fate.DOWN, "log-twice": Fate.TWICE}
SKEWS = (-15, -10, -6, 6, 10)
"""Minutes by which clocks are wrong."""


@dataclass(slots=True)
class Trouble:
    """Spans of trouble, by place.

    Attributes:
        downs: of hosts.
        wiped: moments at which a host lost its queue.
        cuts: of ways, (from, to).
        slows: of hosts.
        skews: clocks that are wrong.
        gaps: what became of evidence.
        planted: (fault, place, since, until) of all.
    """

    downs: dict[str, list[Span]] = field(default_factory=dict)
    wiped: dict[str, list[int]] = field(default_factory=dict)
    cuts: dict[tuple[str, str], list[Span]] = field(default_factory=dict)
    slows: dict[str, list[Span]] = field(default_factory=dict)
    skews: list[Skew] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    planted: list[tuple[str, str, int, int]] = field(default_factory=list)

    def up_at(self, host: str, at: int) -> int:
        """When a host that is down is up again; 0 where it is up."""
        return _end(self.downs.get(host, ()), at)

    def is_cut(self, host: str, to: str, at: int) -> bool:
        """Can a host not reach another."""
        return bool(_end(self.cuts.get((host, to), ()), at))

    def slow_until(self, host: str, at: int) -> int:
        """When a host that is slow is quick again; 0 where it is."""
        return _end(self.slows.get(host, ()), at)

    def is_wiped(self, host: str, arrived: int, at: int) -> bool:
        """Did a host lose its queue meanwhile."""
        return any(arrived < moment <= at for moment in self.wiped.get(host, ()))

    def clock(self, host: str, at: int) -> int:
        """What a host's clock shows at a true time."""
        return shown(self.skews, host, at)

    def withhold(self, host: str, at: int, chance: random.Random) -> None:
        """A host's log is handed in some minutes late, from just before a moment on."""
        since, until = at - 1_000_000, at + chance.randint(2 * MINUTE, 4 * MINUTE)
        self.gaps.append(Gap(source=f"{host}-log", since=since, until=until, fate=Fate.LATE))

    def befall(self, wish: Wish, where: str, since: int, until: int, chance: random.Random) -> None:
        """Plan one trouble of a place."""
        self.planted.append((wish.fault.name, where, since, until))
        match wish.fault.name:
            case "host-down":
                self.downs.setdefault(where, []).append((since, until))
            case "disk-lost":
                self.downs.setdefault(where, []).append((since, until))
                self.slows.setdefault(where, []).append((since - PILE, since))
                self.wiped.setdefault(where, []).append(since)
                self.gaps.append(Gap(source=f"{where}-log", since=since - LAST_WORDS, until=until, fate=Fate.CUT))
            case "net-cut":
                one, _, other = where.partition(">")
                self.cuts.setdefault((one, other), []).append((since, until))
            case "congestion":
                self.slows.setdefault(where, []).append((since, until))
            case "clock-skew":
                self.skews.append(Skew(host=where, since=since, until=until, by=chance.choice(SKEWS) * MINUTE))
            case name:
                self.gaps.append(Gap(source=where, since=since, until=until, fate=FATES[name]))


def _end(spans: Sequence[Span], at: int) -> int:
    return max((until for since, until in spans if since <= at < until), default=0)


def trouble(network: Network, wishes: Sequence[Wish], since: int, until: int, chance: random.Random) -> Trouble:
    """Everything that befalls places in [since, until)."""
    plan = Trouble()
    for wish in wishes:
        if wish.fault.of == "message":
            continue
        for begin in _moments(wish, since, until, chance):
            shortest, longest = wish.fault.lasts
            lasts = wish.lasts or chance.randint(shortest * MINUTE, longest * MINUTE)
            plan.befall(wish, wish.where or _somewhere(network, wish, chance), begin, begin + lasts, chance)
    return plan


def _moments(wish: Wish, since: int, until: int, chance: random.Random) -> list[int]:
    if wish.at is not None:
        return [since + wish.at]
    expected = wish.rate * (until - since) / DAY
    count = int(expected) + (chance.random() < expected % 1)
    return sorted(_minute(chance.randint(since + (until - since) // 20, until)) for _ in range(count))


def _minute(at: int) -> int:
    """Whole seconds away from the minute, at which the clock ticks."""
    return at // MINUTE * MINUTE + at % MINUTE // 1_000_000 * 1_000_000 + 500_000


def _somewhere(network: Network, wish: Wish, chance: random.Random) -> str:
    stores = [one.store for one in network.organisations]
    match wish.fault.of:
        case "host":
            hosts = list(network.switches) + (stores if wish.fault.name == "host-down" else [])
            return chance.choice(hosts)
        case "pair":
            here = chance.choice(network.switches)
            return f"{here}>{chance.choice(_beyond(network, here))}"
        case _:
            return chance.choice([*(f"{host}-log" for host in (*network.switches, *stores)), REPORTS])


def _beyond(network: Network, host: str) -> list[str]:
    """Whom a host hands on to."""
    house = network.at_switch.get(host)
    return [house.store, *network.hubs] if house else [one.name for one in network.organisations]
