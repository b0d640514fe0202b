"""The registry's ids stay at the border."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from streams import workers
from streams.collect.declaration import Declaration
from streams.collect.declaring import declare
from streams.core.errors import Misuse, Unavailable
from streams.core.events import Kind, MessageEvent
from streams.kafka import topics
from streams.kafka.broker import KafkaLog
from streams.kafka.ranges import read_range
from streams.kafka.registry import Frames, frames_of
from streams.kafka.writer import EventWriter, Writer
from streams.settings import ROLES, Settings, running
from streams.wire import columns, envelope, schemas
from tests.kafka.conftest import drain, values
from tests.kafka.registry import Registry, serving
from tests.service.security import make_pki


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An empty registry."""
    with serving() as served:
        yield served


def test_without_a_registry_packaged_ids_are_written() -> None:
    """Nothing is exchanged; nor is it where a topic holds no Avro."""
    assert frames_of(Settings(), "alerts") is None
    assert frames_of(Settings(registry_url="http://127.0.0.1:1"), "custody-snapshots") is None


def test_a_schema_is_registered_once_under_its_topic(registry: Registry) -> None:
    """It is looked up first, registered where it is missing, and found the next time."""
    settings = Settings(registry_url=registry.url, ledger="drill")
    frames = frames_of(settings, "alerts")
    assert frames is frames_of(settings, "alerts")
    ((subject, (text,)),) = registry.subjects.items()
    assert subject == "drill-alerts-value"
    assert json.loads(text) == schemas.schema("alert")


def test_frames_are_exchanged_and_come_back(registry: Registry) -> None:
    """A record goes out with the registry's id and comes in with ours, its body untouched."""
    frames_of(Settings(registry_url=registry.url), "cases")
    frames = frames_of(Settings(registry_url=registry.url), "alerts")
    assert frames is not None
    value = schemas.header("alert") + b"body"
    outside = frames.outward(value)
    assert outside == b"\0\0\0\0\2body"
    assert frames.inward(outside) == value


@pytest.mark.parametrize("value", [None, b"", b"\0\0\0\0", b"{json}", b"\xff\xff\xff\xffsegment"])
def test_what_is_not_framed_passes_unchanged(value: bytes | None) -> None:
    """Tombstones, segments and foreign records are not touched."""
    frames = Frames({}, {})
    assert frames.inward(value) == frames.outward(value) == value


def test_a_foreign_id_is_not_taken_for_ours() -> None:
    """The registry's number 1 may be anybody's schema; it goes to the dead letters as it was."""
    frames = Frames({b"\0\0\0\0\1": b"\0\0\0\0\x63"}, {b"\0\0\0\0\x63": b"\0\0\0\0\1"})
    foreign = b"\0\0\0\0\1body"
    inside = frames.inward(foreign)
    assert inside is not None
    assert schemas.name_of(int.from_bytes(inside[1:5], "big")) is None
    assert frames.outward(inside) == foreign


def test_credentials_come_from_a_file(registry: Registry, tmp_path: Path) -> None:
    """They are sent as the registry wants them."""
    secret = tmp_path / "secret"
    secret.write_text("user:pass\n", encoding="utf-8")
    frames_of(Settings(registry_url=registry.url, registry_credentials_file=secret), "alerts")
    assert registry.authorizations == {"Basic dXNlcjpwYXNz"}


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (401, Misuse, "CUSTODY_REGISTRY_CREDENTIALS_FILE"),
        (403, Misuse, "may not"),
        (409, Misuse, "compatible"),
        (422, Misuse, ""),
        (499, Misuse, ""),
        (404, Misuse, ""),
        (429, Unavailable, ""),
        (500, Unavailable, ""),
    ],
)
def test_a_refusal_says_who_must_act(registry: Registry, status: int, kind: type[Exception], hint: str) -> None:
    """A registry that is ill is waited for; one that refuses us is a matter of settings."""
    registry.refusal = status
    with pytest.raises(kind, match=f"answers {status}") as refused:
        frames_of(Settings(registry_url=registry.url), "alerts")
    assert hint in getattr(refused.value, "hint", "")


def test_a_registry_that_is_away_is_waited_for() -> None:
    """Nobody listens: a service is away."""
    with pytest.raises(Unavailable, match="does not answer"):
        frames_of(Settings(registry_url="http://127.0.0.1:1"), "alerts")


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """A folder with certificates: of the registry at 127.0.0.1, of who signed it, and of who did not."""
    make_pki(tmp_path)
    return tmp_path


@pytest.fixture
def secured(pki: Path) -> Iterator[Registry]:
    """An empty registry behind TLS."""
    with serving(pki / "kafka.pem") as served:
        yield served


def test_a_registry_behind_tls_is_asked(secured: Registry, pki: Path) -> None:
    """Over https, with the CA that signed its certificate, the registry answers."""
    frames = frames_of(Settings(registry_url=secured.url, registry_ca_file=pki / "ca.pem"), "alerts")
    assert frames is not None
    assert frames.outward(schemas.header("alert")) == b"\0\0\0\0\1"


@pytest.mark.parametrize("ca", ["other-ca.pem", None])
def test_an_untrusted_registry_is_told_nothing(secured: Registry, pki: Path, ca: str | None) -> None:
    """Signed by another than we trust, it is refused before the credentials leave, and the settings are to blame."""
    secret = pki / "secret"
    secret.write_text("user:pass", encoding="utf-8")
    settings = Settings(
        registry_url=secured.url, registry_credentials_file=secret, registry_ca_file=pki / ca if ca else None
    )
    with pytest.raises(Misuse, match=r"certificate .* is not to be trusted: ") as refused:
        frames_of(settings, "alerts")
    assert "CUSTODY_REGISTRY_CA_FILE" in refused.value.hint
    assert secured.authorizations == set()


def test_a_registry_of_another_name_is_told_nothing(secured: Registry, pki: Path) -> None:
    """A certificate for another name than the one that was called is refused."""
    url = secured.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Misuse, match=r"mismatch.*localhost") as refused:
        frames_of(Settings(registry_url=url, registry_ca_file=pki / "ca.pem"), "alerts")
    assert "CUSTODY_REGISTRY_URL" in refused.value.hint
    assert secured.authorizations == set()


@pytest.mark.parametrize(("name", "said"), [("nowhere.pem", "cannot be read"), ("custody-password", "no certificate")])
def test_a_ca_file_that_is_none_is_named(secured: Registry, pki: Path, name: str, said: str) -> None:
    """A file that is not there, or holds no certificate, is said by its name."""
    with pytest.raises(Misuse, match=said) as refused:
        frames_of(Settings(registry_url=secured.url, registry_ca_file=pki / name), "alerts")
    assert name in str(refused.value)


def test_a_registry_without_tls_is_not_asked_over_https(registry: Registry) -> None:
    """Plain http behind an https URL is a registry that is away."""
    with pytest.raises(Unavailable, match="does not answer"):
        frames_of(Settings(registry_url=registry.url.replace("http:", "https:")), "alerts")


@pytest.mark.service
def test_events_travel_with_the_registrys_id(stack: Settings, ledger: str, registry: Registry) -> None:
    """In Kafka they carry the registry's id, for us they are as ever; a foreign record among them is foreign."""
    plain = msgspec.structs.replace(stack, ledger=ledger)
    settings = msgspec.structs.replace(plain, registry_url=registry.url)
    topics.create(settings)
    frames_of(settings, "alerts")
    event = MessageEvent(
        event_id=bytes(16), kind=Kind.READ, occurred_at=1, observed_at=1, leg=bytes(16), message_key="/host/id"
    )
    writer = EventWriter(Writer(settings))
    writer.write([event])
    writer.flush()
    foreign = KafkaLog(plain).writer()
    foreign.write("message-events", b"/host/id", envelope.encode(event))
    foreign.flush()
    assert values(list(read_range(plain, "message-events")))[0] == b"\0\0\0\0\2" + envelope.encode(event)[5:]
    reader = KafkaLog(settings).reader("message-events", f"{ledger}-g")
    (part,) = [part for part in drain(reader, 2) if part.values]
    reader.close()
    batch = columns.read(part.values, part.keys, ("kind",))
    assert batch.positions.tolist() == [0]
    assert [index for index, _ in batch.bad] == [1]


@pytest.mark.service
@pytest.mark.parametrize("begun_with", ["nothing", "a registry"])
def test_a_ledger_keeps_its_registry_for_life(
    stack: Settings, ledger: str, registry: Registry, begun_with: str
) -> None:
    """Begun without one it is not worked on with one, nor the other way: nothing is written, and no worker starts."""
    without = msgspec.structs.replace(stack, ledger=ledger)
    connected = msgspec.structs.replace(without, registry_url=registry.url)
    before, after = (without, connected) if begun_with == "nothing" else (connected, without)
    declare(before, Declaration())
    there = KafkaLog(before).end_offsets("progress")
    assert declare(before, Declaration()) == 0
    with pytest.raises(Misuse, match=f"{ledger} has other ids"):
        declare(after, Declaration(terms="guaranteed"))
    for role in ROLES:
        with pytest.raises(Misuse, match="other ids"):
            workers.run(role, after)
    assert KafkaLog(before).end_offsets("progress") == there


@pytest.mark.service
def test_the_stacks_own_face_serves_as_a_registry(stack: Settings) -> None:
    """Asked for a schema that it knows, it answers with the pinned id: nothing needs to be registered."""
    there = running(stack.data)
    assert there is not None
    settings = msgspec.structs.replace(stack, registry_url=there.schemas_url)
    for name, topic in topics.all_topics().items():
        if topic.schema:
            header = schemas.header(topic.schema)
            assert frames_of(settings, name) == Frames({header: header}, {header: header})
