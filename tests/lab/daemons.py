"""Daemons of the laboratory: each in the foreground under its test, in a session of its own, ended with it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 60
"""Seconds for anything that mail systems do here."""

POSTFIX = Path("/usr/lib/postfix/sbin/master")
DOVECOT = "/usr/sbin/dovecot"
NEEDED = (POSTFIX, Path("/usr/lib/dovecot/lmtp"), Path("/usr/lib/dovecot/imap"), Path("/usr/lib/dovecot/pop3"))
SIEVE = "/usr/lib/dovecot/modules/lib90_sieve_plugin.so"
ENVIRONMENT = {**os.environ, "TZ": "UTC"}
"""Postfix writes its log in the time of the machine, without saying which."""

KEEPER = '"$@" </dev/null & read _; kill $!; wait $!'
"""Ends a daemon when its test closes the pipe, or dies: what changes its user is out of the kernel's reach for us."""

PACKAGES = "postfix dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d dovecot-sieve"


def missing() -> str:
    """Why the laboratory cannot be here; "" where it can."""
    if not all(path.exists() for path in (*NEEDED, Path(SIEVE))):
        return f"needs Debian's postfix and dovecot packages: apt-get install {PACKAGES} (.ci/run does it)"
    if os.geteuid():
        return "needs root: Postfix and Dovecot change to users of their own"
    version = run(DOVECOT, "--version")
    return "" if version.startswith("2.3.") else f"is written for the settings of Dovecot 2.3, and this is {version}"


def run(*command: str | Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(  # noqa: S603 - programs of the mail systems
        command,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, f"{command}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout.strip()


class Daemon:
    """One daemon."""

    def __init__(self, command: Sequence[str | Path], log: Path, user: str | None = None) -> None:
        """Start it, as another user perhaps; its output goes to a file, since a pipe would never end."""
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - programs of the mail systems
                ("/bin/sh", "-c", KEEPER, "keeper", *command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=user,
                env=ENVIRONMENT,
            )

    def wait_for(self, address: str, port: int) -> None:
        """Wait until it greets."""
        deadline = time.monotonic() + PATIENCE
        while not greets(address, port):
            said = self._log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, f"{address}:{port} does not greet: {said}"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and what it started."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(PATIENCE)


def greets(address: str, port: int) -> bool:
    """Does a server say something first."""
    try:
        with socket.create_connection((address, port), 2) as connection:
            return bool(connection.recv(64))
    except OSError:
        return False


def reserved(address: str) -> socket.socket:
    """A socket that holds a free port of an address; nobody listens there until it is closed."""
    holder = socket.socket()
    holder.bind((address, 0))
    return holder


def filled(name: str, values: Mapping[str, str]) -> str:
    """A file of tests/lab/etc, with values in the place of @NAMES@."""
    text = (Path(__file__).parent / "etc" / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def copied(name: str, target: Path, values: Mapping[str, str]) -> None:
    """Append a file of tests/lab/etc to another, with values in the place of @NAMES@."""
    with target.open("a", encoding="utf-8") as file:
        file.write(filled(name, values))
    old = time.time() - 5  # every Postfix program waits for a file that has just been written to cool down
    os.utime(target, (old, old))


def owned(path: Path, user: int | str) -> None:
    """Make a folder that others can search, and give it to somebody."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    shutil.chown(path, user)
