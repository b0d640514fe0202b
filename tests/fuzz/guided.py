"""One target guided by coverage: `python -m tests.fuzz.guided TARGET SECONDS SEED FINDINGS`, with atheris.

LibFuzzer keeps what reaches new code, and our mutation joins its own. What is found does not end the run.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from zlib import crc32

import atheris

with atheris.instrument_imports(include=["streams"]):
    from tests.fuzz.campaign import Campaign
    from tests.fuzz.mutation import LONG, Mutator
    from tests.fuzz.target import CPU
    from tests.fuzz.targets import BY_NAME

SLOWER = 5
"""Times that the code is slower while its coverage is watched."""


def main() -> None:
    """Fuzz until the time is over."""
    name, seconds, seed, findings = sys.argv[1:]
    target = BY_NAME[name]
    campaign = Campaign(target, Path(findings), cpu=CPU * SLOWER)
    made = Mutator(target.seeds(), target.words, seed)

    def changed(data: bytes, longest: int, number: int) -> bytes:
        """Half of the inputs by libFuzzer, half by our grammar."""
        if number % 2:
            return bytes(atheris.Mutate(data, longest))
        return made.changed(data)[:longest]

    end = time.monotonic() + float(seconds)

    def give(data: bytes) -> None:
        campaign.give(data)
        if time.monotonic() > end:
            print(campaign.summary(), flush=True)  # noqa: T201 - a command
            os._exit(bool(campaign.found))  # libFuzzer would go on

    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(made.seeds):
            (Path(folder) / str(number)).write_bytes(data)
        options = (f"-seed={crc32(seed.encode())}", f"-max_len={LONG}")
        quiet = ("-verbosity=0", "-print_final_stats=0", "-timeout=600", "-rss_limit_mb=0", "-detect_leaks=0")
        atheris.Setup([sys.argv[0], *options, *quiet, folder], give, custom_mutator=changed)
        atheris.Fuzz()


main()
