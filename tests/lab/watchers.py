"""The collectors of the laboratory's ledger: `custody collect --follow`, a process for each source."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from streams.process import tied_to
from tests.lab.daemons import PATIENCE

KINDS = {
    "origin-log": "postfix",
    "relay-log": "postfix",
    "dest-log": "postfix",
    "store-log": "dovecot",
    "reports": "reports",
}
"""Of evidence, by source."""


@dataclass(slots=True, kw_only=True)
class Watchers:
    """The collectors that run.

    Attributes:
        declared: the sources.toml.
        data: of the stack.
    """

    declared: Path
    data: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *sources: str) -> None:
        """Follow some sources, from where they were left."""
        for source in sources:
            command = (
                sys.executable, "-m", "streams.cli", "collect", KINDS[source], "--source", source, "--follow", "--json",
                "--sources", str(self.declared), "--data", str(self.data),
            )  # fmt: skip
            with self._log(source).open("ab") as log:
                self._running[source] = subprocess.Popen(  # noqa: S603 - ourselves
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
                )

    def began(self) -> bool:
        """Have all kept where they began: what is rotated away from now on is still read."""
        return all((self.data / "collect" / "main" / f"{source}.checkpoint").exists() for source in KINDS)

    def stop(self, *sources: str) -> None:
        """Stop some in order."""
        stopped = {source: self._running.pop(source) for source in sources}
        for process in stopped.values():
            process.send_signal(signal.SIGTERM)
        for source, process in stopped.items():
            assert process.wait(PATIENCE) == 0, self._log(source).read_text(encoding="utf-8")

    def kill(self, *sources: str) -> None:
        """End some at once (default: all that run)."""
        for source in sources or tuple(self._running):
            process = self._running.pop(source)
            process.kill()
            process.wait()

    def not_understood(self) -> dict[str, dict[str, int]]:
        """What each collector that was stopped in order could not understand, by source."""
        said = {source: self._log(source).read_text(encoding="utf-8") for source in KINDS}
        return {source: json.loads(text[text.rindex('{\n  "source"') :])["unread"] for source, text in said.items()}

    def _log(self, source: str) -> Path:
        return self.data / f"{source}.log"
