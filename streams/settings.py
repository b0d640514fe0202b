"""One frozen Settings.

Rules:
- One table: the fields below are the settings, with their defaults and their help. `table` lists them for people.
- A value comes from an argument, else from `CUSTODY_NAME` in the environment, else from the settings file (TOML, named
  by `--settings` or `CUSTODY_SETTINGS_FILE`), else from its default. An empty variable is no value.
- An unknown name is refused, wherever it stands: a misspelt setting must not become a silent default.
- Secrets are read from files and never stand in the environment, in the file or in `repr`; a URL that has one in it is
  refused.
- Where no broker or no warehouse is named, they are those of the running embedded stack, told by DATA/stack.json; that
  file counts only while the stack's supervisor holds its lock, so a stale one misleads nobody.
"""

import dataclasses
import difflib
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from streams.addresses import check_brokers, check_url
from streams.advice import LEDGER, STACK, start_hint
from streams.core.documents import toml
from streams.core.errors import Misuse, Unavailable

PREFIX = "CUSTODY_"
FILE_VARIABLE = "CUSTODY_SETTINGS_FILE"
QUIET: Mapping[str, int] = {"log_level": 2, "reconnect.backoff.ms": 250, "reconnect.backoff.max.ms": 5000}
"""Librdkafka's own lines stay off standard error (what matters comes through `error_cb`), and it does not hammer."""

ROLES = ("clock", "track", "feed", "cases")
"""What workers do, one a process (workers.py)."""

Protocol = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
ClientSettings = dict[str, str | int | float | bool]
"""What librdkafka's clients take."""
Level = Literal["debug", "info", "warning", "error"]


def _help(text: str, **limits: Any) -> msgspec.Meta:
    """What a setting means, for `table`."""
    return msgspec.Meta(description=text, **limits)


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """Where the running embedded stack is: the contents of DATA/stack.json.

    Attributes:
        pid: of its supervisor.
        since: microseconds UTC.
        version: of Custody.
        kafka_brokers: host:port.
        clickhouse_url: of the warehouse's HTTP interface.
        clickhouse_user: who may ask it.
        clickhouse_password_file: generated, readable by its owner only.
        schemas_url: a schema registry's read-only face.
        processes: name and pid of each part.
        ready: topics are made and workers are started.
    """

    pid: int
    since: int
    version: str
    kafka_brokers: str
    clickhouse_url: str
    clickhouse_user: str
    clickhouse_password_file: Path
    schemas_url: str
    processes: dict[str, int] = {}
    ready: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where a schema registry is, who we are to it (user:password), and whom we trust to say that it is the one."""

    url: str
    credentials: str = dataclasses.field(default="", repr=False)
    ca_file: Path | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set, from one place; `load` makes it."""

    data: Annotated[Path, _help("folder of the embedded stack and of checkpoints")] = STACK
    ledger: Annotated[
        str, _help("name of the ledger: small letters, digits and _", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    ] = LEDGER
    partitions: Annotated[int, _help("partitions of a new ledger's topics; fixed for its life", ge=1, le=1024)] = 4
    kafka_brokers: Annotated[str | None, _help("host:port,...; default: the embedded stack")] = None
    kafka_security_protocol: Annotated[Protocol, _help("plaintext, ssl, sasl_plaintext or sasl_ssl")] = "plaintext"
    kafka_sasl_mechanism: Annotated[Mechanism, _help("PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")] = "SCRAM-SHA-512"
    kafka_sasl_username: Annotated[str | None, _help("who we are to the brokers")] = None
    kafka_sasl_password_file: Annotated[Path | None, _help("file that holds the password")] = None
    kafka_ca_file: Annotated[Path | None, _help("PEM: who signed the brokers' certificates; default: the system's")] = (
        None
    )
    kafka_client_certificate_file: Annotated[Path | None, _help("PEM: our certificate, for mutual TLS")] = None
    kafka_client_key_file: Annotated[Path | None, _help("PEM: its key")] = None
    registry_url: Annotated[
        str | None, _help("Confluent-compatible schema registry, for a ledger's whole life; default: packaged schemas")
    ] = None
    registry_credentials_file: Annotated[Path | None, _help("file that holds user:password for the registry")] = None
    registry_ca_file: Annotated[
        Path | None, _help("PEM: who signed the registry's certificate; default: the system's")
    ] = None
    clickhouse_url: Annotated[str | None, _help("http[s]://host:port; default: the embedded stack")] = None
    clickhouse_user: Annotated[str, _help("who we are to the warehouse")] = "custody"
    clickhouse_password_file: Annotated[Path | None, _help("file that holds the password")] = None
    clickhouse_ca_file: Annotated[Path | None, _help("PEM: who signed the warehouse's certificate")] = None
    replication_factor: Annotated[int, _help("copies of a topic; 1 in the embedded stack", ge=1, le=15)] = 3
    min_insync_replicas: Annotated[int, _help("copies a write waits for; 1 in the embedded stack", ge=1, le=15)] = 2
    cache: Annotated[Path, _help("folder for downloaded jars")] = Path("~/.cache/custody")
    stack_roles: Annotated[
        str | None, _help("worker roles that `custody up` runs, comma-separated; default: all, none: none")
    ] = None
    worker_name: Annotated[
        str,
        _help(
            "this worker among several of its role, the same after a restart: its partitions wait for it",
            pattern=r"^[A-Za-z0-9._-]{1,100}$",
        ),
    ] = "0"
    keep_events_days: Annotated[
        int, _help("days that events, what is derived from them, and rejections stay", ge=1)
    ] = 400
    keep_evidence_days: Annotated[int, _help("days that raw lines and parts stay in the warehouse", ge=1)] = 90
    keep_alerts_days: Annotated[
        int, _help("days that alerts and cases stay in the warehouse, and with the cases worker once cleared", ge=1)
    ] = 400
    keep_queues_days: Annotated[int, _help("days that the tracker's counts of queues stay", ge=1)] = 90
    log_level: Annotated[Level, _help("debug, info, warning or error")] = "info"

    @property
    def database(self) -> str:
        """The ledger's database in the warehouse."""
        return "custody" if self.ledger == LEDGER else f"custody_{self.ledger}"

    def kafka_client(self) -> ClientSettings:
        """The configuration that every librdkafka client starts from.

        Raises:
            Misuse: the settings contradict each other.
            Unavailable: no broker is known.
        """
        if not self.kafka_brokers:
            raise Unavailable(
                f"No Kafka broker is set and no embedded stack runs in {self.data}.", hint=start_hint(self.data)
            )
        return {
            "bootstrap.servers": self.kafka_brokers,
            "security.protocol": self.kafka_security_protocol,
            **QUIET,
            **self._sasl(),
            **_paths(
                {
                    "ssl.ca.location": self.kafka_ca_file,
                    "ssl.certificate.location": self.kafka_client_certificate_file,
                    "ssl.key.location": self.kafka_client_key_file,
                }
            ),
        }

    def _sasl(self) -> dict[str, str]:
        if not self.kafka_security_protocol.startswith("sasl_"):
            return {}
        return {
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username or "",
            "sasl.password": _secret(self.kafka_sasl_password_file),
        }

    def clickhouse_client(self) -> dict[str, Any]:
        """The arguments of `clickhouse_connect.get_client`, but for the database.

        Raises:
            Misuse: its URL or password file cannot be used.
            Unavailable: no warehouse is known.
        """
        if not self.clickhouse_url:
            raise Unavailable(
                f"No warehouse is set and no embedded stack runs in {self.data}.", hint=start_hint(self.data)
            )
        url = urlsplit(self.clickhouse_url)
        secure = url.scheme == "https"
        return {
            "host": url.hostname,
            "port": url.port or (8443 if secure else 8123),
            "secure": secure,
            "username": self.clickhouse_user,
            "password": _secret(self.clickhouse_password_file),
            "compress": url.hostname
            not in {"127.0.0.1", "::1", "localhost"},  # within a machine it costs and gains nothing
            **_paths({"ca_cert": self.clickhouse_ca_file}),
        }

    def registry(self) -> Registry | None:
        """The schema registry; None where packaged schemas serve.

        Raises:
            Misuse: its credentials cannot be read.
        """
        if not self.registry_url:
            return None
        credentials = _secret(self.registry_credentials_file)
        return Registry(url=self.registry_url, credentials=credentials, ca_file=self.registry_ca_file)


class Row(NamedTuple):
    """One line of the table of settings."""

    name: str
    variable: str
    default: str
    help: str


def table() -> list[Row]:
    """All settings, for people: the README's table is made from it."""
    rows = []
    for field in msgspec.structs.fields(Settings):
        meta = next(note for note in field.type.__metadata__ if isinstance(note, msgspec.Meta))
        default = "" if field.default is None else str(field.default)
        rows.append(Row(field.name, PREFIX + field.name.upper(), default, meta.description or ""))
    return rows


def load(data: Path | str | None = None, ledger: str | None = None, file: Path | str | None = None) -> Settings:
    """The settings of this run.

    Args:
        data: `--data`, before all other sources.
        ledger: `--ledger`, likewise.
        file: `--settings`; default: the file that CUSTODY_SETTINGS_FILE names, if any.

    Raises:
        Misuse: an unknown name, a value that cannot be, or settings that contradict each other.
    """
    given = _from_file(file or os.environ.get(FILE_VARIABLE)) | _from_environment(os.environ)
    given |= {name: value for name, value in (("data", data), ("ledger", ledger)) if value is not None}
    settings = _convert(given)
    _check(settings)
    return _with_stack(settings, given)


def stack_file(data: Path) -> Path:
    """Where a running embedded stack says where it is."""
    return data / "stack.json"


def lock_file(data: Path) -> Path:
    """What the supervisor of a data directory holds locked while it lives."""
    return data / "lock"


def running(data: Path) -> Stack | None:
    """The embedded stack that runs in a data directory, if one does."""
    try:
        if not is_held(data):
            return None
        return msgspec.json.decode(stack_file(data).read_bytes(), type=Stack, dec_hook=_as_path)
    except (FileNotFoundError, msgspec.DecodeError):
        return None  # never started, or just starting
    except NotADirectoryError as error:
        raise Misuse(f"{data} is no folder.", hint="--data names the folder of a stack") from error
    except OSError as denied:
        raise Misuse(
            f"{denied.filename} cannot be read: {denied.strerror}.", hint="run as the user who started the stack"
        ) from denied


def is_held(data: Path) -> bool:
    """Does a living supervisor hold a data directory; the kernel drops its lock at death, so no pid can mislead."""
    try:
        with lock_file(data).open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _from_file(file: Path | str | None) -> dict[str, Any]:
    if not file:
        return {}
    try:
        values = toml(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Misuse(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"The settings file {file} is not TOML: {error}.") from error
    except Misuse as error:
        raise Misuse(f"The settings file {file} {error}") from error
    for name in values:
        _refuse_unknown(name, name, f"in {file}")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE:
            name = variable.removeprefix(PREFIX).lower()
            _refuse_unknown(name, variable, "in the environment")
            if value:
                values[name] = value
    return values


def _refuse_unknown(name: str, shown: str, where: str) -> None:
    if name in Settings.__struct_fields__:
        return
    near = difflib.get_close_matches(name, Settings.__struct_fields__, n=1)
    hint = f"did you mean {shown[: -len(name)] + (near[0].upper() if shown.isupper() else near[0])}?" if near else ""
    raise Misuse(f"There is no setting {shown} ({where}).", hint=hint)


def _convert(given: Mapping[str, Any]) -> Settings:
    try:
        settings = msgspec.convert(dict(given), Settings, strict=False, dec_hook=_as_path)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        raise Misuse(f"The setting {place.rstrip('`') or '?'} is wrong: {reason}.") from error
    try:
        return msgspec.structs.replace(settings, data=settings.data.expanduser(), cache=settings.cache.expanduser())
    except RuntimeError as error:
        raise Misuse(f"A folder's ~ cannot be found: {error}", hint="write the path whole") from error


def _as_path(wanted: type, value: Any) -> Any:
    if wanted is Path and isinstance(value, (str, Path)) and "\0" not in str(value):
        return Path(value)
    raise ValueError("no path")


def _check(settings: Settings) -> None:
    """Settings that contradict each other fail at the start, not at the first record."""
    sasl = settings.kafka_security_protocol.startswith("sasl_")
    if sasl and not (settings.kafka_sasl_username and settings.kafka_sasl_password_file):
        raise Misuse("SASL needs kafka_sasl_username and kafka_sasl_password_file.")
    if settings.kafka_sasl_username and not sasl:
        raise Misuse("kafka_sasl_username is set, but kafka_security_protocol uses no SASL.", hint="sasl_ssl uses it")
    if settings.kafka_ca_file and not settings.kafka_security_protocol.endswith("ssl"):
        raise Misuse("kafka_ca_file is set, but kafka_security_protocol uses no TLS.", hint="ssl and sasl_ssl use it")
    if (settings.kafka_client_certificate_file is None) != (settings.kafka_client_key_file is None):
        raise Misuse("kafka_client_certificate_file and kafka_client_key_file go together.")
    if settings.min_insync_replicas > settings.replication_factor:
        raise Misuse("min_insync_replicas is larger than replication_factor: no write could succeed.")
    if settings.kafka_brokers:
        check_brokers(settings.kafka_brokers)
    check_url("clickhouse_url", settings.clickhouse_url, "clickhouse_user and clickhouse_password_file")
    check_url("registry_url", settings.registry_url, "registry_credentials_file")
    if settings.registry_ca_file and urlsplit(settings.registry_url or "").scheme != "https":
        raise Misuse("registry_ca_file is set, but registry_url uses no TLS.", hint="https://host:port/path")


def _with_stack(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """The settings, with what the running embedded stack knows where nothing was given."""
    if settings.kafka_brokers and settings.clickhouse_url:
        return settings
    stack = running(settings.data)
    if stack is None:
        return settings
    known: dict[str, Any] = {}
    if not settings.kafka_brokers:
        known |= {"kafka_brokers": stack.kafka_brokers, "replication_factor": 1, "min_insync_replicas": 1}
    if not settings.clickhouse_url:
        known |= {"clickhouse_url": stack.clickhouse_url, "clickhouse_user": stack.clickhouse_user}
        known |= {"clickhouse_password_file": stack.clickhouse_password_file}
    return msgspec.structs.replace(settings, **{name: value for name, value in known.items() if name not in given})


def _paths(values: Mapping[str, Path | None]) -> dict[str, str]:
    return {name: str(path) for name, path in values.items() if path is not None}


def _secret(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise Misuse(f"The password file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"The password file {path} is not a text.") from error
