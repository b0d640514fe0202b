"""How the hosts of a declaration are called in each other's evidence: full names and addresses.

Rules:
- A host's full name is its first alias that has a dot and is no address; its address is the first alias that is one.
- Who is not declared is called as it is.
"""

from functools import lru_cache
from ipaddress import ip_address

from streams.collect.declaration import Declaration

NOWHERE = "192.0.2.1"
"""An address of nobody (RFC 5737), for hosts that declare none."""


class Directory:
    """Looks up what hosts are called."""

    def __init__(self, declaration: Declaration) -> None:
        """Gather names and addresses."""
        self._full: dict[str, str] = {}
        self._address: dict[str, str] = {}
        for host in declaration.hosts:
            addresses = [alias for alias in sorted(host.aliases) if _is_address(alias)]
            names = [alias for alias in sorted(host.aliases) if "." in alias and alias not in addresses]
            self._full[host.name] = names[0] if names else host.name
            self._address[host.name] = addresses[0] if addresses else NOWHERE

    def full(self, host: str) -> str:
        """The full name of a host."""
        return self._full.get(host, host)

    def address(self, host: str) -> str:
        """The address of a host."""
        return self._address.get(host, NOWHERE)

    def client(self, host: str, address: str = "") -> str:
        """A client as Postfix logs it: `name[address]`."""
        return f"{self.full(host) or 'unknown'}[{address or self.address(host)}]"


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
