"""Connections to the warehouse.

Rules:
- What is sent goes to the warehouse that the settings name, and nowhere else: by a redirection another host would get
  the whole request, with its rows and questions.
- All else is as the client has it: certificates are verified, a proxy of the environment is used, clients share.
"""

from functools import cache
from typing import Any

from clickhouse_connect.driver.exceptions import OperationalError
from clickhouse_connect.driver.httputil import check_env_proxy, get_pool_manager


class Redirected(OperationalError):  # noqa: N818 - as our errors are named
    """Who answers names another place; nothing was sent there."""


def pool_of(client: dict[str, Any]) -> Any:
    """The `pool_mgr` of a client with these arguments (`Settings.clickhouse_client`)."""
    scheme = "https" if client["secure"] else "http"
    return _pool(scheme, check_env_proxy(scheme, client["host"], client["port"]), client.get("ca_cert"))


@cache
def _pool(scheme: str, proxy: str | None, ca_cert: str | None) -> Any:
    proxies: dict[str, Any] = {f"{scheme}_proxy": proxy}
    pool: Any = get_pool_manager(ca_cert=ca_cert, **proxies)
    send = pool.urlopen

    def send_here(method: str, url: str, **options: Any) -> Any:
        answer = send(method, url, **{**options, "redirect": False})
        if place := answer.get_redirect_location():
            answer.close()
            raise Redirected(f"it names another place, {place[:200]}, where nothing is sent: is clickhouse_url right?")
        return answer

    pool.urlopen = send_here  # its own setting is overruled by each request's
    return pool
