"""The play: every case at once, in one run of the laboratory, with its evidence followed live.

The last switch is down at first: what waits for it in the relay's queue is late, deleted or lost. When Custody has told
so, the switch comes up and all else is sent. At the end the clock has passed everything that can be due.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from streams.cli.demo import wait
from streams.settings import Settings, load
from streams.warehouse.questions import Warehouse
from tests.lab.daemons import copied
from tests.lab.ledger import Ledger, Said, key_of, until
from tests.lab.letters import Letter, acknowledge, now, submit
from tests.lab.network import ALICE, BOB, CREW, TEAM, Network
from tests.lab.watchers import KINDS, Watchers

LONGEST = timedelta(seconds=17)
"""After which nothing that was sent becomes due that is not proven by then."""

FILED = 'require ["fileinto", "copy", "mailbox"];\nfileinto :copy :create "Work";\nkeep;\n'
JUNK = 'require "fileinto";\nfileinto "Junk";\n'


@dataclass(slots=True, kw_only=True)
class Play:
    """One run, and what is known of it from those who did it.

    Attributes:
        network: the laboratory.
        settings: of the ledger.
        watchers: its collectors.
        letters: what was submitted, by name.
        acts: when something was done, by name.
        held: the queue id of the relay's entry, by name of the letter.
        said: what Custody says at the end, by case.
        not_understood: how many lines or mails each collector could not understand, by reason.
    """

    network: Network
    settings: Settings
    watchers: Watchers
    letters: dict[str, Letter] = field(default_factory=dict)
    acts: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    not_understood: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        """The topics."""
        return Ledger(self.settings)

    def run(self) -> None:
        """All of it."""
        self.watchers.start(*KINDS)
        until(self.watchers.began, "collectors that follow")
        self.network.dest.stop()
        self.beyond_sight()
        self.while_down()
        self.network.dest.rotate()
        self.network.dest.start()
        self.did("up")
        self.network.relay.order("-H", self.held["held"])
        self.did("released")
        self.network.relay.flush()
        self.send_all()
        self.read_all()
        self.network.store.rotate()
        self.read_before_its_delivery()
        end = now() + LONGEST
        until(lambda: self.ledger.clock() > end, "the clock at the end")
        self.watchers.stop(*KINDS)
        self.not_understood = self.watchers.not_understood()
        wait(self.settings, lambda _: None)
        warehouse = Warehouse.of(self.settings)
        for letter in self.letters.values():
            self.said[letter.case] = Said(**warehouse.trace(key_of(letter.case)))

    def send(self, case: str, *recipients: str, name: str = "", sender: str = ALICE) -> None:
        """Submit the message of a case."""
        to = recipients or (f"{case}@dest.test",)
        self.letters[name or case] = submit(self.network.origin, case, *to, sender=sender)

    def did(self, name: str) -> None:
        """Keep when something was done."""
        self.acts[name] = now()

    def beyond_sight(self) -> None:
        """Hand to peers of which nothing is heard again."""
        self.send("beyond", "somebody@beyond.test")
        self.send("silent", "somebody@silent.test")

    # while the last switch is down

    def while_down(self) -> None:
        """Seven messages wait in the relay's queue; its operator acts on four, and one is lost without a word."""
        self.send("late", "late@late.test")
        self.send("deleted", "deleted@lost.test")
        self.send("twice", "twice@lost.test")
        for case in ("held", "requeued", "expired"):
            self.send(case)
        for name in ("late", "deleted", "twice", "held", "requeued", "expired"):
            self.wait_in_queue(name, name)
        self.send("twice", "twice@lost.test", name="twice-lost")
        self.wait_in_queue("twice", "twice-lost")
        self.network.relay.file_of(self.held["twice-lost"]).unlink()
        self.operate()
        self.watchers.kill("relay-log")
        self.watchers.start("relay-log")
        for name in ("late", "deleted", "twice", "twice-lost"):
            until(lambda: self.ledger.overdue(self.letters[name].queue_id), f"overdue: {name}")  # noqa: B023 - asked at once

    def operate(self) -> None:
        """What an operator may do to a queue."""
        for case, option in (("deleted", "-d"), ("held", "-h"), ("requeued", "-r"), ("expired", "-f")):
            self.network.relay.order(option, self.held[case])
            self.did(case)
        self.network.relay.flush()

    def wait_in_queue(self, case: str, name: str) -> None:
        """Wait until the relay has tried in vain, and has told the originator so.

        What is done to its queue file while that notice is written is a race: the notice may have no original message.
        """
        self.held[name] = number = until(lambda: self._deferred(case), f"{name} deferred by the relay")
        notice = f"{number}: sender delay notification: "
        until(lambda: notice in self.network.relay.log.read_text(), f"a notice that {name} is delayed")

    def _deferred(self, case: str) -> str:
        relay = self.network.relay
        waiting = (one["queue_id"] for one in relay.queue() if one["queue_name"] == "deferred")
        new = [one for one in waiting if one not in self.held.values()]
        return next((one for one in new if f"<{key_of(case)}>" in relay.message(one)), "")

    # while it is up

    def send_all(self) -> None:
        """Everything that needs the last switch."""
        self.network.store.sieve("discarding@dest.test", "discard;\n")
        self.network.store.sieve("junked@dest.test", JUNK)
        self.network.store.sieve("filed@dest.test", FILED)
        self.send("quiet", "quiet@quiet.test", sender=BOB)
        self.send("dead", "somebody@dead.test")
        self.send("unknown", "nobody@dest.test")
        self.send("half", "half@dest.test", "nobody@dest.test")
        for case in ("unopened", "greylisted", "team", "crew", "discarding", "junked", "filtered", "moving", "popping"):
            self.send(case)
        for case in ("receipted", "expunged", "read", "shelved", "filed", "renamed", "binned"):
            self.send(case)

    def read_all(self) -> None:
        """Whoever is to read, move or fetch does it as soon as there is something."""
        for case in ("read", "filtered", "greylisted", "held", "requeued", "half", "filed"):
            self.read(case, f"{case}@dest.test")
        for member in TEAM:
            self.read("team", member)
        for member in CREW[:2]:
            self.read("crew", member)
        self.act_on_mailboxes()

    def act_on_mailboxes(self) -> None:
        """One message is moved and read, one moved alone, one taken over POP3, one acknowledged, one expunged."""
        store = self.network.store
        store.move("moving@dest.test", self.arrived("moving", "moving@dest.test"), "Archive")
        self.did("moving")
        self.read("moving", "moving@dest.test", "Archive")
        store.move("shelved@dest.test", self.arrived("shelved", "shelved@dest.test"), "Archive")
        self.act_on_folders()
        self.arrived("popping", "popping@dest.test")
        assert store.popped("popping@dest.test") == 1
        self.did("popping")
        text = store.seen_by_nobody("receipted@dest.test", self.arrived("receipted", "receipted@dest.test"))
        acknowledge(self.network.dest, text, "receipted@dest.test")
        self.did("receipted")
        store.expunge("expunged@dest.test", self.arrived("expunged", "expunged@dest.test"))
        self.did("expunged")

    def act_on_folders(self) -> None:
        """A folder is renamed with a message below it, another deleted with one in it; what was filed is read there."""
        store = self.network.store
        store.move("renamed@dest.test", self.arrived("renamed", "renamed@dest.test"), "Projects/Old")
        store.rename("renamed@dest.test", "Projects", "Done")
        self.did("renamed")
        self.read("renamed", "renamed@dest.test", "Done/Old")
        store.move("binned@dest.test", self.arrived("binned", "binned@dest.test"), "Bin")
        store.remove("binned@dest.test", "Bin")
        self.did("binned")
        self.read("filed", "filed@dest.test", "Work")

    def read(self, case: str, user: str, box: str = "INBOX") -> None:
        """Open a message as soon as it has arrived."""
        self.network.store.read(user, self.arrived(case, user, box), box)
        self.did(f"{case} by {user}")

    def arrived(self, case: str, user: str, box: str = "INBOX") -> str:
        """The number of a message in its mailbox, as soon as it is there."""
        found: list[str] = until(lambda: self.network.store.uids(user, f"<{key_of(case)}>", box), f"{case} in {box}")
        return found[-1]

    def read_before_its_delivery(self) -> None:
        """The collector of the last switch is away until the ledger has the read."""
        self.watchers.stop("dest-log")
        self.send("early")
        self.read("early", "early@dest.test")
        until(lambda: self.ledger.has_read("early"), "the read of early")
        self.did("early known")
        self.watchers.start("dest-log")


def prepared(network: Network, data: Path) -> Play:
    """A play in a laboratory and on a stack that run."""
    for name in ("sources.toml", "terms.toml"):
        copied(name, network.home / name, {})
    network.store.maildir(ALICE)
    watchers = Watchers(declared=network.home / "sources.toml", data=data)
    return Play(network=network, settings=load(data=data), watchers=watchers)
