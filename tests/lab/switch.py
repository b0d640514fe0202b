"""A Postfix instance: configured in a folder of its own, started, stopped, and worked on as its operator does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.daemons import POSTFIX, Daemon, copied, owned, run


@dataclass(slots=True, kw_only=True)
class Switch:
    """One switch.

    Attributes:
        name: of the host.
        home: folder of everything it has.
        address: loopback.
        port: where it takes messages.
        values: for its settings.
        tables: lookup tables, by name of file.
    """

    name: str
    home: Path
    address: str
    port: int
    values: Mapping[str, str]
    tables: Mapping[str, str] = field(default_factory=dict)
    _daemon: Daemon | None = None

    @property
    def log(self) -> Path:
        """What it writes down."""
        return self.home / "mail.log"

    @property
    def etc(self) -> Path:
        """Its settings."""
        return self.home / "etc"

    def configure(self) -> None:
        """Write settings and make the queue."""
        for folder in (self.home, self.etc, self.home / "spool"):
            owned(folder, "root")
        owned(self.home / "data", "postfix")
        mine = {"NAME": self.name, "HOME": str(self.home), "ETC": str(self.etc), "ROOT": f"/{self.home.parts[1]}"}
        values = {**self.values, **mine, "ADDRESS": self.address, "PORT": str(self.port)}
        for source, target in (("main.cf", "main.cf"), (f"{self.name}.cf", "main.cf"), ("master.cf", "master.cf")):
            copied(source, self.etc / target, values)
        if "REINJECT" in self.values:
            copied("filter.cf", self.etc / "master.cf", values)
        if self.name == "origin":
            copied("command_filter", self.etc / "command_filter", values)
        for name, text in self.tables.items():
            (self.etc / name).write_text(text, encoding="utf-8")
        run("/usr/sbin/postfix", "-c", self.etc, "check")

    def start(self) -> None:
        """Start it and wait until it greets."""
        self._daemon = Daemon((POSTFIX, "-c", self.etc, "-s"), self.home / "output.log")
        self._daemon.wait_for(self.address, self.port)

    def stop(self) -> None:
        """End it; what is queued stays."""
        if self._daemon is not None:
            self._daemon.stop()

    def rotate(self) -> None:
        """Rotate its log while it is stopped, and pack what was written so far."""
        old = self.log.rename(self.log.with_name(f"{self.log.name}.1"))
        run("/usr/bin/gzip", old)

    def queue(self) -> list[dict[str, Any]]:
        """What it holds: queue id, and recipients with the reason of their delay."""
        return [json.loads(line) for line in run("/usr/sbin/postqueue", "-c", self.etc, "-j").splitlines()]

    def order(self, option: str, queue_id: str) -> None:
        """Have `postsuper` do something to a message by hand: -d, -h, -H, -r or -f."""
        run("/usr/sbin/postsuper", "-c", self.etc, option, queue_id)

    def flush(self) -> None:
        """Have everything tried again at once."""
        run("/usr/sbin/postqueue", "-c", self.etc, "-f")

    def message(self, queue_id: str) -> str:
        """The header of a queued message."""
        return run("/usr/sbin/postcat", "-c", self.etc, "-hq", queue_id)

    def file_of(self, queue_id: str) -> Path:
        """The file in which a message is queued."""
        return next(path for path in (self.home / "spool").rglob(queue_id) if path.parents[1].name != "defer")
