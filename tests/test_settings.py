"""Settings: where values come from, what is refused, and what the clients are given."""

import fcntl
import re
from pathlib import Path

import msgspec
import pytest

from streams import settings
from streams.core.errors import Misuse, Unavailable
from streams.settings import Stack


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the outside and no stack of the working directory reaches these tests."""
    for row in settings.table():
        monkeypatch.delenv(row.variable, raising=False)
    monkeypatch.delenv(settings.FILE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "custody.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_arguments_before_environment_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument beats the environment, which beats the file, which beats the default."""
    file = _file(tmp_path, 'ledger = "file"\npartitions = 2\nlog_level = "debug"\n')
    monkeypatch.setenv("CUSTODY_LEDGER", "environment")
    monkeypatch.setenv("CUSTODY_PARTITIONS", "8")
    loaded = settings.load(ledger="argument", file=file)
    assert (loaded.ledger, loaded.partitions, loaded.log_level) == ("argument", 8, "debug")
    assert loaded.replication_factor == 3


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUSTODY_SETTINGS_FILE names the settings file where no option does."""
    monkeypatch.setenv(settings.FILE_VARIABLE, str(_file(tmp_path, "partitions = 2\n")))
    assert settings.load().partitions == 2


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set to nothing leaves the default."""
    monkeypatch.setenv("CUSTODY_LEDGER", "")
    assert settings.load().ledger == "main"


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown CUSTODY_ variable is refused, and the nearest name is offered."""
    monkeypatch.setenv("CUSTODY_PARTITION", "8")
    with pytest.raises(Misuse, match="no setting CUSTODY_PARTITION ") as refused:
        settings.load()
    assert refused.value.hint == "did you mean CUSTODY_PARTITIONS?"


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path) -> None:
    """An unknown name in the settings file is refused with the file's name."""
    file = _file(tmp_path, "partition = 8\n")
    with pytest.raises(Misuse, match=f"no setting partition \\(in {file}\\)"):
        settings.load(file=file)


@pytest.mark.parametrize("text", ["ledger = ", "\x00"])
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    """A settings file that is not TOML is refused."""
    with pytest.raises(Misuse, match="is not TOML"):
        settings.load(file=_file(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A settings file that is named must be there."""
    with pytest.raises(Misuse, match="cannot be read"):
        settings.load(file=tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTITIONS", "many"),
        ("PARTITIONS", "0"),
        ("LEDGER", "Main Ledger"),
        ("KAFKA_SECURITY_PROTOCOL", "tls"),
        ("LOG_LEVEL", "loud"),
        ("CLICKHOUSE_URL", "localhost:8123"),
        ("MIN_INSYNC_REPLICAS", "4"),
    ],
)
def test_a_value_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value outside of what its setting allows is refused with the setting's name."""
    monkeypatch.setenv(f"CUSTODY_{name}", value)
    with pytest.raises(Misuse, match=name.lower()):
        settings.load()


@pytest.mark.parametrize(
    "entry",
    [
        "http://127.0.0.1:36881", "SSL://k1:9093", "127.0.0.1:99999", "k1:0", "localhost", "k1:", ":9092", "k1:+92",
        "k 1:9092", "::1:9092", "[::1]", "[k1]:9092", "me@k1:9092", "k1:9092/", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_broker_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Librdkafka would try another port, or none, for half a minute."""
    monkeypatch.setenv("CUSTODY_KAFKA_BROKERS", f"k0:9092, {entry}")
    with pytest.raises(Misuse, match=f"^kafka_brokers: {re.escape(repr(entry))} is no address of a broker") as refused:
        settings.load()
    assert "host:port" in refused.value.hint


@pytest.mark.parametrize(
    "brokers", ["k1:1", "k_1.example.:65535, 192.0.2.1:9092", "[2001:db8::1]:9092,[fe80::1%eth0]:9092"]
)
def test_addresses_of_brokers(monkeypatch: pytest.MonkeyPatch, brokers: str) -> None:
    """By name, by IPv4, and by IPv6 in brackets."""
    monkeypatch.setenv("CUSTODY_KAFKA_BROKERS", brokers)
    assert settings.load().kafka_client()["bootstrap.servers"] == brokers


@pytest.mark.parametrize(
    "text",
    [
        'kafka_security_protocol = "sasl_ssl"',
        'kafka_security_protocol = "sasl_ssl"\nkafka_sasl_username = "a"',
        'kafka_sasl_username = "a"\nkafka_sasl_password_file = "b"',
        'kafka_ca_file = "ca.pem"',
        'kafka_security_protocol = "ssl"\nkafka_client_key_file = "key.pem"',
        'registry_ca_file = "ca.pem"',
        'registry_url = "http://registry"\nregistry_ca_file = "ca.pem"',
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, text: str) -> None:
    """Half a login, or a secret that nothing uses, is refused at the start."""
    with pytest.raises(Misuse):
        settings.load(file=_file(tmp_path, text))


@pytest.mark.parametrize(
    ("setting", "instead"),
    [("clickhouse_url", "clickhouse_user and clickhouse_password_file"), ("registry_url", "registry_credentials_file")],
)
@pytest.mark.parametrize(
    "url", ["https://me:s3cret@host", "http://me:s3/cret@host:8123", "http://host/?password=s3cret"]
)
def test_a_password_in_a_url_is_refused_and_not_told(tmp_path: Path, setting: str, instead: str, url: str) -> None:
    """Nothing would use it, and messages tell the URL; where it belongs is said."""
    with pytest.raises(Misuse, match=f"^{setting} has a password, a user or parameters in it") as caught:
        settings.load(file=_file(tmp_path, f'{setting} = "{url}"'))
    assert caught.value.hint == f"set {instead}"
    assert "s3" not in str(caught.value)


def test_tls_and_sasl_reach_the_clients(tmp_path: Path) -> None:
    """Certificates and the login become librdkafka's settings; the password comes from its file, less its line end."""
    password = tmp_path / "password"
    password.write_text("s3cret \n", encoding="utf-8")
    file = _file(
        tmp_path,
        f"""
        kafka_brokers = "k1:9093,k2:9093"
        kafka_security_protocol = "sasl_ssl"
        kafka_sasl_username = "custody"
        kafka_sasl_password_file = "{password}"
        kafka_ca_file = "/pki/ca.pem"
        kafka_client_certificate_file = "/pki/custody.pem"
        kafka_client_key_file = "/pki/custody.key"
        """,
    )
    loaded = settings.load(file=file)
    assert loaded.kafka_client() == dict(settings.QUIET) | {
        "bootstrap.servers": "k1:9093,k2:9093",
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "custody",
        "sasl.password": "s3cret ",
        "ssl.ca.location": "/pki/ca.pem",
        "ssl.certificate.location": "/pki/custody.pem",
        "ssl.key.location": "/pki/custody.key",
    }
    assert "s3cret" not in repr(loaded)


def test_a_warehouse_elsewhere(tmp_path: Path) -> None:
    """A warehouse's URL becomes the client's arguments; over a network its bodies are compressed."""
    file = _file(tmp_path, 'clickhouse_url = "https://ch.example"\nclickhouse_ca_file = "/ca.pem"\n')
    assert settings.load(file=file).clickhouse_client() == {
        "host": "ch.example",
        "port": 8443,
        "secure": True,
        "username": "custody",
        "password": "",
        "compress": True,
        "ca_cert": "/ca.pem",
    }


def test_a_password_file_must_be_there(tmp_path: Path) -> None:
    """A password file that cannot be read is said by its name."""
    file = _file(tmp_path, 'clickhouse_url = "http://ch:8123"\nclickhouse_password_file = "nowhere"\n')
    with pytest.raises(Misuse, match="nowhere"):
        settings.load(file=file).clickhouse_client()


def test_the_registry_is_optional(tmp_path: Path) -> None:
    """Without one there is none; with it, credentials come from their file, trust from another, and nobody is shown."""
    assert settings.load().registry() is None
    secret = tmp_path / "registry"
    secret.write_text("user:pass", encoding="utf-8")
    trusted = 'registry_url = "https://registry"\nregistry_ca_file = "/ca.pem"\n'
    file = _file(tmp_path, trusted + f'registry_credentials_file = "{secret}"\n')
    found = settings.load(file=file).registry()
    assert found == settings.Registry(url="https://registry", credentials="user:pass", ca_file=Path("/ca.pem"))
    assert "pass" not in repr(found)


def test_without_a_stack_the_way_out_is_told() -> None:
    """Where neither brokers nor a running stack are known, the hint says how to start one."""
    for ask in (settings.load().kafka_client, settings.load().clickhouse_client):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert "custody up --detach" in refused.value.hint


def test_the_way_out_is_of_the_same_data_directory(tmp_path: Path) -> None:
    """Where another is meant than the default, as a shell takes it."""
    for data, hint in ((Path(".custody"), ""), (tmp_path / "a b", f" --data '{tmp_path}/a b'")):
        with pytest.raises(Unavailable) as refused:
            settings.load(data=data).clickhouse_client()
        assert refused.value.hint == f"start it with: custody up --detach{hint}"


def _stack_in(data: Path) -> None:
    data.mkdir()
    secret = data / "secret"
    secret.write_text("p", encoding="utf-8")
    stack = Stack(
        pid=1,
        since=0,
        version="0",
        kafka_brokers="127.0.0.1:1",
        clickhouse_url="http://127.0.0.1:2",
        clickhouse_user="custody",
        clickhouse_password_file=secret,
        schemas_url="http://127.0.0.1:2",
    )
    settings.stack_file(data).write_bytes(msgspec.json.encode(stack, enc_hook=str))
    settings.lock_file(data).touch()


def test_a_running_stack_is_found(tmp_path: Path) -> None:
    """While its supervisor holds the lock, the stack's places are the settings, with one copy of everything."""
    data = tmp_path / "data"
    _stack_in(data)
    with settings.lock_file(data).open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        loaded = settings.load(data=data)
    assert loaded.kafka_brokers == "127.0.0.1:1"
    assert (loaded.replication_factor, loaded.min_insync_replicas) == (1, 1)
    assert loaded.clickhouse_client().items() >= {"password": "p"}.items()
    assert not loaded.clickhouse_client()["compress"]


def test_what_is_named_beats_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers that are named are used, even while a stack runs."""
    monkeypatch.setenv("CUSTODY_KAFKA_BROKERS", "k1:9092")
    data = tmp_path / "data"
    _stack_in(data)
    with settings.lock_file(data).open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        loaded = settings.load(data=data)
    assert (loaded.kafka_brokers, loaded.replication_factor) == ("k1:9092", 3)
    assert loaded.clickhouse_url == "http://127.0.0.1:2"


def test_a_stale_stack_misleads_nobody(tmp_path: Path) -> None:
    """A stack.json without a living supervisor counts as nothing."""
    data = tmp_path / "data"
    _stack_in(data)
    assert settings.running(data) is None
    assert settings.load(data=data).kafka_brokers is None


def test_every_setting_is_explained() -> None:
    """The table has a sentence for every setting, and no secret has a default."""
    rows = settings.table()
    assert all(row.help for row in rows)
    assert all(not row.default for row in rows if "password" in row.name or "credentials" in row.name)


@pytest.mark.parametrize(("ledger", "database"), [("main", "custody"), ("drill", "custody_drill")])
def test_a_ledger_has_its_database(ledger: str, database: str) -> None:
    """The main ledger's database is `custody`; any other carries its ledger's name."""
    assert settings.load(ledger=ledger).database == database
