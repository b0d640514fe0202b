"""`make fuzz`: every target for as long as you like; findings go to a folder, one file each.

    python -m tests.fuzz --seconds 60 --seed 1 postfix reports

Where atheris is installed (`.venv/bin/pip install -e '.[fuzz]'`), coverage guides it, a process a target; where it is
not, inputs are made of the seeds at random.
"""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.campaign import Campaign
from tests.fuzz.targets import BY_NAME


def main() -> int:
    """Fuzz, print a line a target, and end with 1 if anything was found."""
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    arguments.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(BY_NAME)}; default: all")
    arguments.add_argument("--seconds", type=float, default=60.0, help="for each target; default: 60")
    arguments.add_argument("--seed", default="1", help="the same seed makes the same inputs; default: 1")
    arguments.add_argument("--findings", type=Path, default=Path(".fuzz"), help="folder; default: .fuzz")
    arguments.add_argument("--unguided", action="store_true", help="do without atheris")
    given = arguments.parse_args()
    names = given.targets or list(BY_NAME)
    if unknown := sorted(set(names) - set(BY_NAME)):
        arguments.error(f"no such target: {', '.join(unknown)}")
    guided = find_spec("atheris") is not None and not given.unguided
    run = _guided if guided else _random
    return max(run(name, given.seconds, given.seed, given.findings) for name in names)


def _random(name: str, seconds: float, seed: str, findings: Path) -> int:
    campaign = Campaign(BY_NAME[name], findings)
    campaign.at_random(seconds, seed)
    print(campaign.summary(), flush=True)  # noqa: T201 - a command
    return bool(campaign.found)


def _guided(name: str, seconds: float, seed: str, findings: Path) -> int:
    """LibFuzzer ends the process when its time is over, so each target has one of its own."""
    command = (sys.executable, "-m", "tests.fuzz.guided", name, str(seconds), seed, str(findings))
    return int(subprocess.run(command, check=False).returncode != 0)  # noqa: S603 - ourselves


if __name__ == "__main__":
    sys.exit(main())
