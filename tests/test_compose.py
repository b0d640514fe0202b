"""The production files: of the published form, guarded, without passwords, and named after what is there."""

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from streams import settings
from streams.cli.app import custody
from tests.service import apicurio

TOP = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
COLLECT = SERVICES.get("collect", {})
WORKERS = {name: service for name, service in SERVICES.items() if service.get("command", [""])[0] == "worker"}


def _compose_specification() -> Any:
    schema = json.loads(gzip.decompress((TOP / "tests" / "data" / "compose-spec.json.gz").read_bytes()))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_file_has_the_published_form() -> None:
    """docker-compose.yml obeys the Compose specification's own schema (Apache-2.0)."""
    assert [error.message for error in _compose_specification().iter_errors(COMPOSE)] == []


def test_no_worker_is_process_one() -> None:
    """One that hangs at its end ends itself by a signal, which the kernel keeps from process 1."""
    assert WORKERS
    assert all(service["init"] is True for service in WORKERS.values())


def test_the_schema_bites() -> None:
    """The same check refuses a misspelt key, so it is not an empty one."""
    broken = {**COMPOSE, "services": {"kafka-1": {**SERVICES["kafka-1"], "healthchek": {}}}}
    assert not _compose_specification().is_valid(broken)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_guarded(name: str) -> None:
    """Every service has a health check, limits, a read-only root, no new privileges and no capabilities."""
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["read_only"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["restart"] == "unless-stopped"


def test_only_loopback_is_published() -> None:
    """What is published is published to this machine only."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_are_files() -> None:
    """No environment holds a secret: what is named password there names a file of a declared secret."""
    for name, service in SERVICES.items():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert variable.endswith("_FILE"), variable
            if str(value).startswith("/run/secrets/"):
                assert Path(value).name in service["secrets"], f"{name} is not given {value}"
    assert all("${CUSTODY_SECRETS:?" in secret["file"] for secret in COMPOSE["secrets"].values())


@pytest.mark.parametrize("name", WORKERS)
def test_workers_are_set_by_settings_that_exist(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The workers' variables are settings, and together they make sense."""
    for variable, value in WORKERS[name]["environment"].items():
        monkeypatch.setenv(variable, str(value) if "${" not in str(value) else "main")
    loaded = settings.load(data=tmp_path)
    assert loaded.kafka_security_protocol == "sasl_ssl"
    assert loaded.clickhouse_url == "https://clickhouse:8443"
    assert loaded.registry_ca_file == loaded.clickhouse_ca_file == loaded.kafka_ca_file
    assert (loaded.replication_factor, loaded.min_insync_replicas) == (3, 2)


@pytest.mark.parametrize("name", WORKERS)
def test_workers_ask_the_registry_of_the_file(name: str) -> None:
    """They know its Confluent-compatible path at the one port that it opens, and wait for its health."""
    url = urlsplit(WORKERS[name]["environment"]["CUSTODY_REGISTRY_URL"])
    registry = SERVICES[url.hostname or ""]
    port = registry["environment"]["QUARKUS_HTTP_SSL_PORT"]
    assert (url.scheme, str(url.port), url.path) == ("https", port, "/apis/ccompat/v7")
    assert WORKERS[name]["depends_on"][url.hostname] == {"condition": "service_healthy"}
    assert [published.rpartition(":")[2] for published in registry["ports"]] == [port]
    assert registry["healthcheck"]["test"][-1] == f"https://127.0.0.1:{port}/health/ready"


def test_the_registry_has_users_and_no_plain_port() -> None:
    """Plain HTTP is off, who has no password gets nothing, and this version is the one that test_security.py runs."""
    environment = SERVICES["registry"]["environment"]
    assert SERVICES["registry"]["image"].endswith(f":{apicurio.VERSION}")
    assert environment["QUARKUS_HTTP_INSECURE_REQUESTS"] == "disabled"
    assert environment["QUARKUS_HTTP_AUTH_BASIC"] == environment["APICURIO_AUTH_ROLE_BASED_AUTHORIZATION"] == "true"


def test_every_role_has_a_service() -> None:
    """The workers of the file are the worker roles that there are, one a service, each named after its role."""
    assert {name: service["command"] for name, service in WORKERS.items()} == {
        role: ["worker", "--roles", role] for role in settings.ROLES
    }


def test_evidence_gets_in_by_a_service_of_its_own() -> None:
    """It is started on purpose, writes as workers do, knows no warehouse, and changes nothing of the host's."""
    environment = {
        name: value
        for name, value in WORKERS["feed"]["environment"].items()
        if not name.startswith("CUSTODY_CLICKHOUSE")
    }
    assert COLLECT["profiles"] == ["collect"]
    assert COLLECT["image"] == WORKERS["feed"]["image"]
    assert COLLECT["environment"] == environment
    assert COLLECT["depends_on"] == {name: one for name, one in WORKERS["feed"]["depends_on"].items() if name in LOG}
    assert COLLECT["init"] is True
    own, *mounts = COLLECT["volumes"]
    assert [name for name, one in SERVICES.items() if own in one.get("volumes", [])] == ["collect"]
    assert own == f"collect:{environment['CUSTODY_DATA']}"
    assert all(mount["read_only"] and mount["bind"] == {"create_host_path": False} for mount in mounts)
    declaration = COLLECT["command"][COLLECT["command"].index("--sources") + 1]
    assert Path(declaration).parent == Path(mounts[0]["target"])


LOG = {"kafka-1", "kafka-2", "kafka-3", "registry"}

SAID = re.compile(r"docker compose (?:run --rm (collect)|exec (\w+) custody) ([^`\n]+?)(?:`| {2,}|$)", re.MULTILINE)


@pytest.mark.parametrize("name", ["docker-compose.yml", "README.md"])
def test_how_to_import_and_to_ask_is_said(name: str) -> None:
    """In commands that there are, of services that can: who imports is the collector, who asks knows the warehouse."""
    said = [(one[1] or one[2], one[3].split()) for one in SAID.finditer((TOP / name).read_text(encoding="utf-8"))]
    assert {(service, words[0]) for service, words in said} >= {("collect", "import"), ("feed", "overdue")}
    for service, words in said:
        assert service in SERVICES
        _parse(words)
    _parse(COLLECT["command"])
    _parse(COLLECT["healthcheck"]["test"][2:])


def _parse(words: list[str]) -> None:
    """Does the command line take them; nothing is run."""
    context = custody.make_context("custody", list(words))
    name, command, rest = custody.resolve_command(context, list(words))
    assert command is not None
    command.make_context(name, rest, parent=context)


def test_mounted_files_exist() -> None:
    """Every file of the repository that a service mounts is there; the host's own is another matter."""
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = {mount.split(":")[0] for mount in mounts if isinstance(mount, str)}
    assert {name for name in named if not name.startswith("./")} == set(COMPOSE["volumes"])
    assert all((TOP / name).exists() for name in named if name.startswith("./"))


def test_the_image_is_pinned_and_has_no_root() -> None:
    """The image installs only hash-pinned packages and does not run as root."""
    text = (TOP / "infra" / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    copied = [path for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for path in line.split()]
    assert all((TOP / path).exists() for path in copied)


def test_the_warehouse_has_no_default_user() -> None:
    """The user "default" is removed, Custody's user is known by the hash of its password, and plain HTTP is off."""
    users = ET.parse(TOP / "infra" / "clickhouse" / "users.xml").getroot()  # noqa: S314 - our own file
    config = ET.parse(TOP / "infra" / "clickhouse" / "config.xml").getroot()  # noqa: S314
    default, custody = users.find("users/default"), users.find("users/custody/password_sha256_hex")
    assert default is not None
    assert default.get("remove")
    assert custody is not None
    assert custody.get("from_env") == "CUSTODY_PASSWORD_SHA256"
    assert not custody.text
    plain = [config.find(name) for name in ("http_port", "tcp_port")]
    assert all(port is not None and port.get("remove") for port in plain)
