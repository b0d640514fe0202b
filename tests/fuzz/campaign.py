"""One target's run: inputs are tried, and each kind of failure is kept once, with the input that shows it."""

import time
import traceback
from collections import Counter
from hashlib import blake2b
from pathlib import Path

from tests.fuzz.mutation import Mutator
from tests.fuzz.target import CPU, Slow, Target, tried

ROOT = str(Path(__file__).parents[2] / "streams")


class Campaign:
    """What a run of a target found.

    Attributes:
        found: how often each kind of failure came: the error, and the last line of ours that it went through.
        inputs: how many were tried.
    """

    def __init__(self, target: Target, findings: Path, cpu: float = CPU) -> None:
        """Begin; what a first run imports is nobody's finding."""
        self._target, self._findings, self._cpu = target, findings, cpu
        self.found: Counter[str] = Counter()
        self.inputs = 0
        self._began = time.monotonic()
        target.run(target.seeds()[0])

    def at_random(self, seconds: float, seed: str) -> None:
        """Try the seeds, then inputs made of them."""
        made = Mutator(self._target.seeds(), self._target.words, f"{seed} {self._target.name}")
        end = time.monotonic() + seconds
        waiting = list(made.seeds)
        while time.monotonic() < end:
            self.give(waiting.pop() if waiting else made.next())

    def give(self, data: bytes) -> None:
        """Try an input; its failure is kept, and the run goes on."""
        self.inputs += 1
        try:
            tried(self._target, data, self._cpu)
        except (Exception, Slow) as error:  # noqa: BLE001 - whatever it is, it is what we look for
            self._keep(data, error)

    def summary(self) -> str:
        """A line for people, and one for each kind of failure."""
        rate = self.inputs / max(0.001, time.monotonic() - self._began)
        lines = [f"{self._target.name:<12} {self.inputs:>9,} inputs {rate:>8,.0f}/s  {len(self.found)} found"]
        return "\n".join([*lines, *(f"    {count:>6,}x {kind}" for kind, count in self.found.most_common())])

    def _keep(self, data: bytes, error: BaseException) -> None:
        kind = _kind(error)
        self.found[kind] += 1
        if self.found[kind] == 1:
            self._findings.mkdir(parents=True, exist_ok=True)
            name = f"{self._target.name}-{blake2b(data, digest_size=6).hexdigest()}"
            (self._findings / name).write_bytes(data)
            shown = "".join(traceback.format_exception(error)[-3:])
            print(f"FOUND {self._findings / name}\n{shown[-1500:]}", flush=True)  # noqa: T201 - a command


def _kind(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(ROOT)] or frames
    return f"{type(error).__name__} in {Path(ours[-1].filename).name}:{ours[-1].lineno}"
