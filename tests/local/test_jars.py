"""The jars: pinned, checked, and fetched only where the cache lacks them."""

import hashlib
import re
from pathlib import Path

import pytest

from streams.core.errors import Unavailable
from streams.local import jars
from streams.local.jars import Jar


def test_every_jar_is_pinned_by_hash() -> None:
    """The broker and its logging are pinned, each jar once, by a SHA-256."""
    pinned = jars.pinned()
    coordinates = [jar.coordinate for jar in pinned]
    assert set(jars.ROOTS) <= set(coordinates)
    assert len({coordinate.rsplit(":", 1)[0] for coordinate in coordinates}) == len(coordinates)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in pinned)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache whose only jar is `g:a:1`, which downloads as "jar"."""
    jar = Jar(coordinate="g.h:a:1", sha256=hashlib.sha256(b"jar").hexdigest())
    monkeypatch.setattr(jars, "pinned", lambda: (jar,))
    monkeypatch.setattr(jars, "_download", lambda jar, cache: _write(jar.path(cache), b"jar"))
    return tmp_path


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_what_is_missing_is_fetched_and_told(cache: Path) -> None:
    """A missing jar is fetched, progress is told, and the cache is complete then."""
    told: list[tuple[int, int]] = []
    assert not jars.is_complete(cache)
    paths = jars.kafka_jars(cache, lambda done, everything: told.append((done, everything)))
    assert paths == (cache / "maven" / "g" / "h" / "a" / "1" / "a-1.jar",)
    assert (told, jars.is_complete(cache)) == ([(1, 1)], True)


def test_a_torn_jar_is_fetched_again(cache: Path) -> None:
    """A file that an interrupted download left is replaced, not trusted."""
    path = jars.pinned()[0].path(cache)
    _write(path, b"ja")
    jars.kafka_jars(cache)
    assert path.read_bytes() == b"jar"


def test_a_foreign_jar_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are not the pinned ones are thrown away, and the start fails."""
    monkeypatch.setattr(jars, "_download", lambda jar, cache: _write(jar.path(cache), b"other"))
    with pytest.raises(Unavailable, match="not the pinned one"):
        jars.kafka_jars(cache)
    assert not jars.pinned()[0].path(cache).exists()
    assert not jars.is_complete(cache)
