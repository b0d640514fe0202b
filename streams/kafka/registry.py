"""A schema registry at the border: within Custody a schema has its packaged id, in Kafka the registry's.

Rules:
- With `registry_url` set, every version of a topic's schema is looked up under the subject TOPIC-value, and registered
  where it is missing; the frames of records are exchanged as they come and go. Without one, packaged ids are written.
- An id of the registry that is none of our schemas must not be taken for a packaged one: its highest bit is set as it
  comes in (registries count in 31 bits), and cleared where the record goes out again, to the dead letters.
- The registry is asked once a process and topic. A ledger has the same one, or none, for its whole life (numbering.py).
- Over https its certificate is verified, and nothing is said to one that is not trusted.
"""

import base64
import json
import ssl
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from streams.core.errors import Misuse, Unavailable
from streams.kafka.topics import all_topics, topic_name
from streams.settings import Registry, Settings
from streams.wire import schemas
from streams.wire.schemas import FRAME, MAGIC

TIMEOUT = 30.0
"""Seconds for one request to the registry."""

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

_FOREIGN = 0x80


@dataclass(frozen=True, slots=True)
class Frames:
    """How the ids of one topic are called within and outside.

    Attributes:
        out: packaged frame to the registry's frame.
        back: the registry's to ours.
    """

    out: dict[bytes, bytes]
    back: dict[bytes, bytes]

    def outward(self, value: bytes | None) -> bytes | None:
        """A value as Kafka has it."""
        if value is None or len(value) < FRAME or value[:1] != MAGIC:
            return value
        if value[1] & _FOREIGN:
            return bytes((0, value[1] & ~_FOREIGN)) + value[2:]
        known = self.out.get(value[:FRAME])
        return value if known is None else known + value[FRAME:]

    def inward(self, value: bytes | None) -> bytes | None:
        """A value as Custody has it."""
        if value is None or len(value) < FRAME or value[:1] != MAGIC:
            return value
        known = self.back.get(value[:FRAME])
        return bytes((0, value[1] | _FOREIGN)) + value[2:] if known is None else known + value[FRAME:]


def frames_of(settings: Settings, topic: str) -> Frames | None:
    """How the ids of a topic are exchanged; None where nothing is.

    Args:
        settings: of the ledger.
        topic: without the ledger.

    Raises:
        Unavailable: the registry does not answer.
        Misuse: it refuses us, or our schema, or is not to be trusted.
    """
    name, registry = all_topics()[topic].schema, settings.registry()
    if name is None or registry is None:
        return None
    return _frames(registry, topic_name(topic, settings.ledger), name)


def inward(settings: Settings, topic: str, value: bytes | None) -> bytes | None:
    """A value of a topic as Custody has it, for who reads without a reader of ours."""
    frames = frames_of(settings, topic)
    return value if frames is None else frames.inward(value)


def outward(settings: Settings, topic: str, value: bytes | None) -> bytes | None:
    """A value of a topic as Kafka has it."""
    frames = frames_of(settings, topic)
    return value if frames is None else frames.outward(value)


@cache
def _frames(registry: Registry, topic: str, name: str) -> Frames:
    packaged = [_frame(number) for number in schemas.ids()[name]]
    texts = [json.dumps(schemas.schema(name, number)) for number in schemas.ids()[name]]
    theirs = [_frame(_id_of(registry, f"{topic}-value", text)) for text in texts]
    return Frames(dict(zip(packaged, theirs, strict=True)), dict(zip(theirs, packaged, strict=True)))


def _frame(number: int) -> bytes:
    return MAGIC + number.to_bytes(4, "big")


def _id_of(registry: Registry, subject: str, text: str) -> int:
    """The registry's id of a schema, registered if need be."""
    path = f"/subjects/{quote(subject, safe='')}"
    for door in (path, f"{path}/versions"):
        status, answer = _post(registry, door, {"schema": text, "schemaType": "AVRO"})
        if status == HTTPStatus.OK:
            return _number(answer, registry.url)
        if status != HTTPStatus.NOT_FOUND:
            raise _refusal(status, answer, subject)
    raise _refusal(status, answer, subject)


def _number(answer: dict[str, Any], url: str) -> int:
    """The id in a registry's answer; a proxy may answer whatever it likes."""
    number = answer.get("id")
    if isinstance(number, int) and 0 <= number < 1 << 31:
        return number
    raise Unavailable(f"The schema registry at {url} names no id of a schema.", hint="is it a schema registry?")


def _post(registry: Registry, path: str, value: object) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}
    if registry.credentials:
        headers["Authorization"] = "Basic " + base64.b64encode(registry.credentials.encode()).decode()
    try:
        with closing(_connection(registry)) as connection:
            connection.request("POST", urlsplit(registry.url).path.rstrip("/") + path, json.dumps(value), headers)
            response = connection.getresponse()
            return response.status, _object(response.read())
    except ssl.SSLCertVerificationError as error:
        raise Misuse(
            f"The certificate of the schema registry at {registry.url} is not to be trusted: {error.verify_message}",
            hint="CUSTODY_REGISTRY_CA_FILE names who signed it, CUSTODY_REGISTRY_URL a name that stands in it",
        ) from error
    except (OSError, HTTPException) as error:
        raise Unavailable(f"The schema registry at {registry.url} does not answer: {error}") from error


def _connection(registry: Registry) -> HTTPConnection:
    where = urlsplit(registry.url)
    if where.scheme != "https":
        return HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT)
    return HTTPSConnection(where.hostname or "", where.port, timeout=TIMEOUT, context=_trust(registry.ca_file))


@cache
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whom to trust: the file's signers, or the system's where there is none."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise Misuse(f"The file {ca_file} holds no certificate in PEM: {error.reason}.") from error
    except OSError as error:
        raise Misuse(f"The file {ca_file} of the registry's CA cannot be read: {error.strerror}.") from error


def _object(raw: bytes) -> dict[str, Any]:
    """What a registry says; what is no JSON object (a proxy's page) says nothing."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refusal(status: int, answer: dict[str, Any], subject: str) -> Misuse | Unavailable:
    said = f"The schema registry answers {status} for {subject}: {answer.get('message', 'no reason given')}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable(said)
    hints = {
        HTTPStatus.UNAUTHORIZED: "set CUSTODY_REGISTRY_CREDENTIALS_FILE",
        HTTPStatus.FORBIDDEN: "these credentials may not read or register schemas",
        HTTPStatus.CONFLICT: "another schema is registered there that ours is not compatible with",
    }
    return Misuse(said, hint=hints.get(HTTPStatus(status), "") if status in set(HTTPStatus) else "")
