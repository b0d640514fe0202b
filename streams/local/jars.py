"""The broker's jars: pinned by coordinate and SHA-256, fetched once into a cache that all data directories share.

Rules:
- kafka-jars.txt is to jars what a hash-pinned requirements file is to packages; `pin` writes it for a new version.
- jgo's own resolver fetches them (no Maven is needed). It only warns of a wrong checksum and leaves a torn file behind
  when it is interrupted, so every file is checked here before the marker that says "complete" is written.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from streams.core.errors import Unavailable

PINS = "kafka-jars.txt"
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
"""What is asked for: the broker, and what makes its log lines go anywhere (it brings only slf4j's face)."""
TIMEOUT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One pinned jar: group:artifact:version and the SHA-256 of its bytes."""

    coordinate: str
    sha256: str

    def path(self, cache: Path) -> Path:
        """Where a Maven cache keeps it."""
        group, artifact, version = self.coordinate.split(":")
        return _repository(cache).joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def kafka_jars(cache: Path, tell: Callable[[int, int], None] = lambda _done, _all: None) -> tuple[Path, ...]:
    """The paths of all jars, fetched if the cache lacks them.

    Args:
        cache: `Settings.cache`.
        tell: called with (fetched, all) while they are fetched.

    Raises:
        Unavailable: a jar cannot be had, or is not the pinned one.
    """
    jars = pinned()
    if not is_complete(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "lock"):
            _fetch_all(jars, cache, tell)
            _marker(cache).touch()
    return tuple(jar.path(cache) for jar in jars)


def is_complete(cache: Path) -> bool:
    """Have all pinned jars been fetched and checked."""
    return _marker(cache).exists() and all(jar.path(cache).exists() for jar in pinned())


def pinned() -> tuple[Jar, ...]:
    """The pins of kafka-jars.txt."""
    lines = (line.split() for line in _pins().splitlines() if line and not line.startswith("#"))
    return tuple(Jar(coordinate=coordinate, sha256=sha256) for coordinate, sha256 in lines)


def pin(cache: Path) -> str:
    """The text of kafka-jars.txt for ROOTS, resolved anew."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - only a new version needs it
    from jgo.parse import Coordinate  # noqa: PLC0415

    context = MavenContext(repo_cache=_repository(cache), timeout=TIMEOUT)
    wanted: dict[str, str] = {}
    for root in reversed(ROOTS):  # one by one, the broker last: its versions win
        inputs, transitive = context.resolver.resolve([context.create_dependency(Coordinate.parse(root))])
        for needed in (*inputs, *(other for other in transitive if other.scope in {"compile", "runtime"})):
            name = f"{needed.groupId}:{needed.artifactId}"
            wanted[name] = f"{name}:{needed.version} {_sha256(needed.artifact.resolve())}"
    return "\n".join(("# Written by `python -m streams.local.jars`.", *sorted(wanted.values()), ""))


def _fetch_all(jars: tuple[Jar, ...], cache: Path, tell: Callable[[int, int], None]) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        for done, fetched in enumerate(as_completed([pool.submit(_fetch, jar, cache) for jar in jars]), start=1):
            fetched.result()
            tell(done, len(jars))


def _fetch(jar: Jar, cache: Path) -> None:
    """Bring one jar into the cache; a torn or foreign file there is fetched again."""
    path = jar.path(cache)
    if path.exists() and _sha256(path) == jar.sha256:
        return
    path.unlink(missing_ok=True)
    _download(jar, cache)
    if _sha256(path) != jar.sha256:
        path.unlink()
        raise Unavailable(f"The jar {jar.coordinate} is not the pinned one.", hint="try again; else ask who pinned it")


def _download(jar: Jar, cache: Path) -> None:
    import requests  # noqa: PLC0415 - jgo's, and only a first start needs them
    from jgo.maven import MavenContext  # noqa: PLC0415

    group, artifact, version = jar.coordinate.split(":")
    context = MavenContext(repo_cache=_repository(cache), timeout=TIMEOUT)
    try:
        context.project(group, artifact).at_version(version).artifact().resolve()
    except (requests.RequestException, RuntimeError, OSError) as error:
        jar.path(cache).unlink(missing_ok=True)
        raise Unavailable(f"The jar {jar.coordinate} cannot be had from Maven Central: {error}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process fetches; the others wait and find the cache filled."""
    with path.open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _marker(cache: Path) -> Path:
    return cache / f"kafka-{hashlib.sha256(_pins().encode()).hexdigest()[:12]}.complete"


def _pins() -> str:
    return resources.files("streams.local").joinpath(PINS).read_text(encoding="utf-8")


def _repository(cache: Path) -> Path:
    return cache / "maven"


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


if __name__ == "__main__":
    (Path(__file__).parent / PINS).write_text(pin(Path("~/.cache/custody").expanduser()), encoding="utf-8")
