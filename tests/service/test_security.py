"""TLS and SASL against a real broker: good clients work, and everybody else stays outside.

The broker is the embedded one with the listeners of infra/kafka: SASL over TLS, and TLS with client certificates. Its
certificates are made here.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs forget to export SCRAM's
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from streams.local import kafka, part, ports
from streams.settings import Settings, load

pytestmark = pytest.mark.service

PATIENCE = 30
REFUSAL = 2
"""Seconds that a client which must be refused tries."""
ADMIN, GOOD, BAD = "admin-p", "custody-p", "wrong-p"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """A broker behind TLS: where it listens, and the folder with certificates and passwords."""

    sasl: int
    mutual: int
    pki: Path


def _pem(file: Path, *blobs: trustme.Blob) -> Path:
    file.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return file


def _key(certificate: trustme.LeafCert) -> bytes:
    """The private key in PKCS#8, the only form Kafka reads."""
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _make_pki(pki: Path) -> None:
    """A CA, a broker, a client, and a stranger with a CA of their own."""
    ours, theirs = trustme.CA(), trustme.CA()
    broker, client, stranger = ours.issue_cert("127.0.0.1"), ours.issue_cert("custody"), theirs.issue_cert("custody")
    _pem(pki / "ca.pem", ours.cert_pem)
    _pem(pki / "other-ca.pem", theirs.cert_pem)
    for name, made in (("client", client), ("stranger", stranger)):
        _pem(pki / f"{name}.pem", *made.cert_chain_pems)
        _pem(pki / f"{name}.key", made.private_key_pem)
    (pki / "broker.pem").write_bytes(_key(broker) + b"".join(blob.bytes() for blob in broker.cert_chain_pems))
    for name in (ADMIN, GOOD, BAD):
        (pki / name).write_text(f"{name}\n", encoding="utf-8")


def _properties(secured: Secured, controller: int) -> dict[str, str]:
    """What a broker needs for SASL over TLS and for client certificates; secrets are the names of their files here."""
    login = f'username="admin" password="{ADMIN}"'
    plain, scram = "org.apache.kafka.common.security.plain.Plain", "org.apache.kafka.common.security.scram.Scram"
    return {
        "listeners": ",".join(
            (
                f"SASL_SSL://127.0.0.1:{secured.sasl}",
                f"SSL://127.0.0.1:{secured.mutual}",
                f"CONTROLLER://127.0.0.1:{controller}",
            )
        ),
        "advertised.listeners": f"SASL_SSL://127.0.0.1:{secured.sasl},SSL://127.0.0.1:{secured.mutual}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL_SSL",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f'{plain}LoginModule required {login} user_admin="{ADMIN}" user_custody="{GOOD}";'
        ),
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{scram}LoginModule required {login};",
        "listener.name.ssl.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(secured.pki / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(secured.pki / "ca.pem"),
    }


class _Running:
    """A part that runs on a loop of its own thread while the block does."""

    def __init__(self, kept: part.Part) -> None:
        self._part = kept
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> None:
        self._thread.start()
        self._process = asyncio.run_coroutine_threadsafe(part.start(self._part), self._loop).result(PATIENCE)
        asyncio.run_coroutine_threadsafe(part.wait_ready(self._part, self._process), self._loop).result(PATIENCE)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(part.stop(self._part, self._process), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker that knows the users admin and custody (PLAIN), and custody by SCRAM too."""
    data = tmp_path_factory.mktemp("secured")
    (data / "pki").mkdir()
    _make_pki(data / "pki")
    chosen = ports.choose(data)
    place = Secured(sasl=chosen.kafka, mutual=chosen.clickhouse, pki=data / "pki")
    properties = _properties(place, chosen.controller)
    with _Running(kafka.broker(data, chosen, load(data=data).cache, properties=properties)):
        _add_scram_user(place)
        yield place


def _add_scram_user(place: Secured) -> None:
    admin = AdminClient(_settings(place, mechanism="PLAIN", user="admin", password=ADMIN).kafka_client())
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    user = UserScramCredentialUpsertion("custody", info, GOOD.encode())
    for future in admin.alter_user_scram_credentials([user]).values():
        future.result(PATIENCE)


def _settings(
    place: Secured,
    *,
    host: str = "127.0.0.1",
    ca: str = "ca.pem",
    mechanism: str = "SCRAM-SHA-512",
    user: str = "custody",
    password: str = GOOD,
) -> Settings:
    """Settings of a SASL client, from a settings file as in production."""
    return _load(
        place,
        kafka_brokers=f"{host}:{place.sasl}",
        kafka_security_protocol="sasl_ssl",
        kafka_sasl_mechanism=mechanism,
        kafka_sasl_username=user,
        kafka_sasl_password_file=str(place.pki / password),
        kafka_ca_file=str(place.pki / ca),
    )


def _mutual(place: Secured, name: str) -> Settings:
    """Settings of a client that shows a certificate."""
    return _load(
        place,
        kafka_brokers=f"127.0.0.1:{place.mutual}",
        kafka_security_protocol="ssl",
        kafka_ca_file=str(place.pki / "ca.pem"),
        kafka_client_certificate_file=str(place.pki / f"{name}.pem"),
        kafka_client_key_file=str(place.pki / f"{name}.key"),
    )


def _load(place: Secured, **values: str) -> Settings:
    file = place.pki / "custody.toml"
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in values.items()), encoding="utf-8")
    return load(data=place.pki, file=file)


def _reasons(settings: Settings) -> set[str]:
    """Why a client that asks for the topics got no answer; empty when it got one."""
    reasons: set[str] = set()
    config = settings.kafka_client() | {"log_level": 0}
    client = AdminClient({**config, "error_cb": lambda error: reasons.add(error.name())})  # type: ignore[dict-item]
    try:
        client.list_topics(timeout=REFUSAL)
    except KafkaException as refused:
        client.poll(0)
        return reasons | {refused.args[0].name()}
    return set()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_good_login_works(secured: Secured, mechanism: str) -> None:
    """The right user, password and CA open the door, by PLAIN and by SCRAM."""
    assert _reasons(_settings(secured, mechanism=mechanism)) == set()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_refused(secured: Secured, mechanism: str) -> None:
    """A wrong password is refused as such."""
    assert "_AUTHENTICATION" in _reasons(_settings(secured, mechanism=mechanism, password=BAD))


def test_an_unknown_user_is_refused(secured: Secured) -> None:
    """A user that the broker does not know is refused as such."""
    assert "_AUTHENTICATION" in _reasons(_settings(secured, user="nobody"))


def test_plain_text_is_refused(secured: Secured) -> None:
    """A client without TLS gets nothing."""
    assert "_TRANSPORT" in _reasons(_load(secured, kafka_brokers=f"127.0.0.1:{secured.sasl}"))


def test_an_untrusted_broker_is_refused(secured: Secured) -> None:
    """A client that trusts another CA does not talk to this broker, and its password does not leave."""
    assert "_SSL" in _reasons(_settings(secured, ca="other-ca.pem"))


def test_a_broker_of_another_name_is_refused(secured: Secured) -> None:
    """A certificate for another name than the one that was called is refused."""
    assert "_SSL" in _reasons(_settings(secured, host="localhost"))


def test_a_client_certificate_works(secured: Secured) -> None:
    """A certificate of the broker's CA opens the door without a password."""
    assert _reasons(_mutual(secured, "client")) == set()


def test_a_strangers_certificate_is_refused(secured: Secured) -> None:
    """A certificate of another CA does not open the door."""
    assert _reasons(_mutual(secured, "stranger")) & {"_SSL", "_TRANSPORT"}
