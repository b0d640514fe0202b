"""Addresses of services as settings give them: what cannot be one is refused before anybody is waited for.

Rules:
- A broker is `host:port`, an IPv6 host in brackets, and has no scheme: librdkafka would try something else in silence.
- A URL is http or https, names a host, and holds no secret: messages tell it.
"""

import re
from urllib.parse import urlsplit

from streams.core.errors import Misuse

_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+(%\w+)?\]|[^\s:/?#@,\[\]]+):([0-9]{1,5})")
_PORTS = range(1, 65_536)


def check_brokers(brokers: str) -> None:
    """Are these brokers' addresses, separated by commas.

    Raises:
        Misuse: one of them is not.
    """
    for entry in brokers.split(","):
        found = _BROKER.fullmatch(entry.strip())
        if found is None or int(found[3]) not in _PORTS:
            raise Misuse(
                f"kafka_brokers: {entry.strip()!r} is no address of a broker.",
                hint="host:port,... with a port from 1 to 65535, such as kafka-1:9092 or [::1]:9092",
            )


def check_url(name: str, url: str | None, secret: str) -> None:
    """Is a setting the URL of a service, if it is set.

    Args:
        name: of the setting.
        url: its value.
        secret: the settings that hold what must not stand in it.

    Raises:
        Misuse: it is none, or has a secret or parameters in it.
    """
    if set("@?") & set(url or ""):  # messages tell the URL; this one does not
        raise Misuse(f"{name} has a password, a user or parameters in it: they are not used.", hint=f"set {secret}")
    try:
        place = urlsplit(url or "http://host")
        whole = bool(place.hostname) and place.port != 0
    except ValueError as error:
        raise Misuse(f"{name} is no URL: {error}.", hint="http[s]://host:port") from error
    if place.scheme not in {"http", "https"} or not whole:
        raise Misuse(f"{name} begins with http:// or https:// and names a host.", hint="http[s]://host:port")
