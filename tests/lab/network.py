"""The whole laboratory: origin, relay and dest, a store, a peer that never reports, and a policy that greylists.

origin takes messages that are ours and asks for a report for each recipient; relay sends some of them through a content
filter; dest hands to the store. dead.test has no store. beyond.test does not know of reports, and silent.test says that
it does; of what is handed to either nothing is heard again.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemons import Daemon, owned, reserved
from tests.lab.greylist import Greylist
from tests.lab.store import Store
from tests.lab.switch import Switch

NAMES = ("origin", "relay", "dest", "store", "beyond", "silent")
ADDRESSES = {name: f"127.0.0.{number}" for number, name in enumerate(NAMES, 11)}
SINK = "/usr/sbin/smtp-sink"

ALICE, BOB = "alice@origin.test", "bob@origin.test"
"""Who writes. Reports to bob are thrown away by his own switch."""

TEAM = ("one@dest.test", "two@dest.test", "three@dest.test")
CREW = ("four@dest.test", "five@dest.test", "six@dead.test")
MAILBOXES = (
    "read", "unopened", "early", "filtered", "greylisted", "discarding", "junked", "moving", "shelved", "popping",
    "one", "two", "three", "four", "five", "held", "requeued", "expired", "half", "receipted", "expunged",
    "filed", "renamed", "binned",
)  # fmt: skip
TABLES = {
    "origin": {
        "transport": "{routes}{bob} discard:thrown away\n",
    },
    "relay": {
        "transport": "{routes}",
        "access": "filtered@dest.test FILTER reinject:[{relay}]:{reinject}\n",
    },
    "dest": {
        "transport": "origin.test {to_relay}\ndead.test lmtp:inet:[{store}]:{dead}\n",
        "mailboxes": "{mailboxes}",
        "virtual": "team@dest.test {team}\ncrew@dest.test {crew}\n",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The parts.

    Attributes:
        home: folder of everything.
        origin: where messages are submitted.
        relay: in the middle.
        dest: before the store.
        store: has the mailboxes.
    """

    home: Path
    origin: Switch
    relay: Switch
    dest: Switch
    store: Store


@contextmanager
def running() -> Iterator[Network]:
    """A laboratory that runs, and ends with the block."""
    home = Path(tempfile.mkdtemp(prefix="custody-lab-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        owned(home, "root")
        policy = stack.enter_context(Greylist("greylisted@dest.test"))
        dead = stack.enter_context(reserved(ADDRESSES["store"]))  # held to the end: nobody ever listens there
        ports = _ports()
        network = _network(home, {**ports, "policy": policy.place, "dead": str(dead.getsockname()[1])})
        _start(network, stack, ports)
        yield network


def _ports() -> dict[str, str]:
    """A free port for everything that listens; all are held until the last is chosen."""
    of = {"lmtp": "store", "imap": "store", "pop3": "store", "reinject": "relay"}
    with ExitStack() as held:
        wanted = (*of, "origin", "relay", "dest", "beyond", "silent")
        return {
            name: str(held.enter_context(reserved(ADDRESSES[of.get(name, name)])).getsockname()[1]) for name in wanted
        }


def _network(home: Path, ports: dict[str, str]) -> Network:
    to = {name: f"smtp:[{ADDRESSES[name]}]:{ports[name]}" for name in ("origin", "relay", "dest", "beyond", "silent")}
    onward = ("dest.test", "late.test", "lost.test", "quiet.test", "dead.test")
    routes = {
        "origin": "".join(f"{domain} {to['relay']}\n" for domain in (*onward, "beyond.test", "silent.test")),
        "relay": "".join(f"{domain} {to['dest']}\n" for domain in onward)
        + f"beyond.test {to['beyond']}\nsilent.test {to['silent']}\norigin.test {to['origin']}\n",
    }
    boxes = [f"{name}@dest.test" for name in MAILBOXES] + [
        "late@late.test",
        "deleted@lost.test",
        "twice@lost.test",
        "quiet@quiet.test",
    ]
    words = {
        "bob": BOB, "to_relay": to["relay"], "team": ", ".join(TEAM), "crew": ", ".join(CREW), "dead": ports["dead"],
        "relay": ADDRESSES["relay"], "store": ADDRESSES["store"], "reinject": ports["reinject"],
        "mailboxes": "".join(f"{box} x\n" for box in boxes),
    }  # fmt: skip
    values = {"STORE": ADDRESSES["store"], "LMTP": ports["lmtp"], "POLICY": ports["policy"]}

    def switch(name: str) -> Switch:
        tables = {table: text.format(routes=routes.get(name), **words) for table, text in TABLES[name].items()}
        more = {"REINJECT": ports["reinject"]} if name == "relay" else {}
        return Switch(
            name=name, home=home / name, address=ADDRESSES[name], port=int(ports[name]), values={**values, **more},
            tables=tables,
        )  # fmt: skip

    store = Store(
        home=home / "store", address=ADDRESSES["store"], lmtp=int(ports["lmtp"]), imap=int(ports["imap"]),
        pop3=int(ports["pop3"]),
    )  # fmt: skip
    return Network(home=home, origin=switch("origin"), relay=switch("relay"), dest=switch("dest"), store=store)


def _start(network: Network, stack: ExitStack, ports: dict[str, str]) -> None:
    """Configure all, start all."""
    for part in (network.store, network.origin, network.relay, network.dest):
        part.configure()
        stack.callback(part.stop)
    for started in (network.store, network.origin, network.relay, network.dest):
        started.start()
    for name, options in (("beyond", ("-e",)), ("silent", ())):
        sink = Daemon((SINK, *options, f"{ADDRESSES[name]}:{ports[name]}", "10"), network.home / "sink.log", "postfix")
        stack.callback(sink.stop)
        sink.wait_for(ADDRESSES[name], int(ports[name]))
