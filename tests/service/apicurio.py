"""The registry of docker-compose.yml as a part: Apicurio's own jars, pinned by hash, on the embedded stack's Java."""

import base64
import fcntl
import hashlib
import json
import ssl
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml
from jgo.maven import MavenContext

from streams.local import jars, kafka
from streams.local.part import Part

ARTIFACT, VERSION = "apicurio-registry-app", "3.0.9"
SHA256 = "2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43"
"""Of the archive "all": 109 MB, 120 MB unpacked."""

PATIENCE = 120
"""Seconds until it must answer: a quiet machine needs ten, a busy one more than a minute."""

PASSWORD = "letters9"  # noqa: S105 - of this test alone
COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


def registry(cache: Path, pki: Path, port: int, brokers: tuple[int, ...], log: Path) -> Part:
    """The registry, as docker-compose.yml runs it; only addresses, ports and folders are this machine's.

    Args:
        cache: `Settings.cache`.
        pki: what stands in for the folder of secrets; the registry's own are written there.
        port: where it listens.
        brokers: ports of the cluster that it keeps its schemas in.
        log: gets what it says.
    """
    (pki / "registry.pem").write_bytes((pki / "kafka.pem").read_bytes())
    (pki / "registry-users.properties").write_text(f"quarkus.security.users.embedded.users.custody={PASSWORD}\n")
    (pki / "registry-credentials").write_text(f"custody:{PASSWORD}\n")
    written = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["registry"]["environment"]
    own = {
        "QUARKUS_HTTP_HOST": "127.0.0.1",
        "QUARKUS_HTTP_SSL_PORT": str(port),
        "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": ",".join(f"127.0.0.1:{broker}" for broker in brokers),
    }
    environment = {name: value.replace("/run/secrets", str(pki)) for name, value in written.items()} | own
    jar = _unpacked(cache) / f"{ARTIFACT}-{VERSION}-runner.jar"
    return Part(
        name="registry",
        command=(str(kafka.java()), *kafka.JVM, "-jar", str(jar)),
        log=log,
        port=port,
        environment=environment,
        start_patience=PATIENCE,
    )


def wait(port: int, ca: Path) -> None:
    """Return when it says that it is ready, to the same question as the health check of docker-compose.yml."""
    deadline = time.monotonic() + PATIENCE
    while not _is_ready(port, ca):
        assert time.monotonic() < deadline, "the registry is not ready"
        time.sleep(0.1)


def _is_ready(port: int, ca: Path) -> bool:
    try:
        return bool(ask(f"https://127.0.0.1:{port}/health/ready", ca)["status"] == "UP")
    except OSError:  # it says that it is not, or its port is open and nobody there speaks yet
        return False


def ask(url: str, ca: Path, credentials: str = f"custody:{PASSWORD}") -> Any:
    """What it answers to a question."""
    said = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    with urlopen(Request(url, headers=said), context=ssl.create_default_context(cafile=ca)) as answer:  # noqa: S310
        return json.loads(answer.read())


def _unpacked(cache: Path) -> Path:
    """The folder of its jars; fetched by the first who asks."""
    folder = cache / f"apicurio-{SHA256[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "apicurio.lock").open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(cache, folder)
    return folder


def _fetch(cache: Path, folder: Path) -> None:
    project = MavenContext(repo_cache=cache / "maven", timeout=jars.TIMEOUT).project("io.apicurio", ARTIFACT)
    artifact = project.at_version(VERSION).artifact(classifier="all", packaging="tar.gz")
    if artifact.cached_path:
        artifact.cached_path.unlink(missing_ok=True)  # torn: the last download was interrupted
    archive = artifact.resolve()
    with archive.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    try:
        assert found == SHA256, f"{archive.name} is not the pinned one"
        half = Path(tempfile.mkdtemp(dir=cache))
        with tarfile.open(archive) as packed:
            packed.extractall(half, filter="data")
        half.rename(folder)
    finally:
        archive.unlink()
