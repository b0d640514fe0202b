"""The warehouse's client: ClickHouse's HTTP protocol, embedded or real."""

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError, ProgrammingError

from streams.core.errors import Misuse, Unavailable, no_ledger
from streams.settings import Settings
from streams.warehouse.pool import Redirected, pool_of

AWAY = (OperationalError, OSError)
"""What a warehouse that is away, or refuses for now, looks like."""

REFUSED = ClickHouseError

ASKING = 30
"""Seconds in which the warehouse answers a question of ours; one that is frozen takes connections and is silent."""

CONNECTING = 10
"""Seconds in which it takes a connection."""

LONG = 300
"""Seconds for what may take long: a derivation, a question of anybody's."""

_STRANGER = {194, 516}
"""ClickHouse's codes REQUIRED_PASSWORD and AUTHENTICATION_FAILED."""

_LATE = re.compile(r"read timeout=([0-9]+)")

Answer = TypeVar("Answer")

logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # else its words come bare to the screen


class NotAdmitted(Misuse):
    """The warehouse answers, and refuses who asks."""


def connect(settings: Settings, *, database: bool = True, readonly: bool = False, patience: int = LONG) -> Any:
    """A client of the ledger's database.

    Args:
        settings: of the ledger.
        database: use the ledger's database; without it, before it exists.
        readonly: the engine itself refuses whatever changes data or settings.
        patience: seconds that it may be silent.

    Raises:
        Misuse: there is no such ledger, or the user may not have what is asked for.
        NotAdmitted: the warehouse refuses the user or the password.
        Unavailable: the warehouse does not answer.
    """
    where = settings.clickhouse_client()
    try:
        client = clickhouse_connect.get_client(
            **where,
            pool_mgr=pool_of(where),
            database=settings.database if database else "default",
            autogenerate_session_id=False,
            connect_timeout=min(patience, CONNECTING),
            send_receive_timeout=patience,
        )
        if readonly:
            _restrict(client)
    except ProgrammingError as error:
        raise Misuse(f"The warehouse refuses: {first_line(error)}") from error
    except (*AWAY, REFUSED) as error:
        if "UNKNOWN_DATABASE" in str(error):
            raise no_ledger(settings.ledger, _ledgers(settings)) from error
        refuse_stranger(error, settings)
        raise Unavailable(f"The warehouse does not answer: {first_line(error)}", hint="custody status") from error
    return client


def answers(settings: Settings, seconds: int) -> bool:
    """Does the warehouse answer within so many seconds, whatever it says."""
    try:
        with suppress(Misuse):
            connect(settings, database=False, patience=seconds).close()
    except Unavailable as error:
        return not isinstance(error.__cause__, AWAY)
    return True


def refuse_stranger(error: BaseException, settings: Settings) -> None:
    """Where the warehouse said that it does not know us, say that: it is not away.

    Raises:
        NotAdmitted: it said so.
    """
    if getattr(error, "code", None) in _STRANGER:
        now = settings.clickhouse_password_file or "not set"
        hint = f"set clickhouse_user and clickhouse_password_file (now {now}) to what the warehouse knows"
        raise NotAdmitted(f"The warehouse refuses the user {settings.clickhouse_user}.", hint=hint) from error


def _ledgers(settings: Settings) -> list[str]:
    """The ledgers that the warehouse has."""
    client = connect(settings, database=False, patience=ASKING)
    try:
        names = [str(row["name"]) for row in ask(client, "SHOW DATABASES")]
    finally:
        client.close()
    others = sorted(name.removeprefix("custody_") for name in names if name.startswith("custody_"))
    return [*["main"] * ("custody" in names), *others]


def _restrict(client: Any) -> None:
    """Have changes refused; a profile that refuses them already (1, or 2 for all but settings) refuses this, too."""
    known = client.server_settings.get("readonly")
    if known is None or known.value == "0":
        client.set_client_setting("readonly", 1)


def ask(client: Any, question: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows of a question, as dictionaries.

    Raises:
        Unavailable: the warehouse is away.
        Misuse: it refuses the question.
    """
    result = told(lambda: client.query(question, parameters=parameters or {}))
    return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]


def told(work: Callable[[], Answer]) -> Answer:
    """What the warehouse answers, with its errors named by who must act.

    Raises:
        Unavailable: the warehouse is away.
        Misuse: it refuses.
    """
    try:
        return work()
    except AWAY as error:
        raise Unavailable(f"The warehouse does not answer: {first_line(error)}") from error
    except REFUSED as error:
        raise Misuse(f"The warehouse refuses: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error without the client's own words around it, which is what a person needs."""
    if isinstance(error, Redirected):
        return str(error)
    if late := _LATE.search(str(error)):
        return f"nothing within {late[1]} s"
    said = str(error).rpartition("DB::Exception: ")[2].partition(" (version ")[0].partition(": (in query: ")[0].strip()
    if said or isinstance(error, ProgrammingError):
        return (said or str(error)).splitlines()[0][:300]
    return type(error).__name__
