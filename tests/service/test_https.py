"""The warehouse behind TLS, as a production one is."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from streams.core.errors import Unavailable
from streams.local import ports
from streams.local.part import Part
from streams.settings import Settings, load
from streams.warehouse.client import connect
from tests.service.security import Running, make_pki

pytestmark = pytest.mark.service

RELAY = """
import asyncio, ssl, sys

async def copy(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()

async def pass_on(reader, writer):
    inside = await asyncio.open_connection("127.0.0.1", int(sys.argv[3]))
    await asyncio.gather(copy(reader, inside[1]), copy(inside[0], writer), return_exceptions=True)

async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1])
    server = await asyncio.start_server(pass_on, "127.0.0.1", int(sys.argv[2]), ssl=context)
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture
def outside(stack: Settings, tmp_path: Path) -> Iterator[int]:
    """The port of a TLS relay in front of the embedded warehouse; its certificates are in the test's folder."""
    make_pki(tmp_path)
    port = ports.choose(tmp_path).clickhouse
    arguments = (str(tmp_path / "kafka.pem"), str(port), str(urlsplit(stack.clickhouse_url or "").port))
    relay = Part(name="relay", command=(sys.executable, "-c", RELAY, *arguments), log=tmp_path / "log", port=port)
    with Running([relay]):
        yield port


def _settings(stack: Settings, port: int, ca: Path) -> Settings:
    """Of a warehouse elsewhere, from a settings file as in production."""
    file = ca.parent / "custody.toml"
    file.write_text(
        f'clickhouse_url = "https://127.0.0.1:{port}"\nclickhouse_ca_file = "{ca}"\n'
        f'clickhouse_password_file = "{stack.clickhouse_password_file}"\n',
        encoding="utf-8",
    )
    return load(data=ca.parent, file=file)


def test_a_warehouse_behind_tls_answers(stack: Settings, outside: int, tmp_path: Path) -> None:
    """Over HTTPS, with the CA that signed the warehouse's certificate, the warehouse answers."""
    with closing(connect(_settings(stack, outside, tmp_path / "ca.pem"), database=False)) as client:
        assert client.command("SELECT 1") == 1


def test_an_untrusted_warehouse_is_refused(stack: Settings, outside: int, tmp_path: Path) -> None:
    """A warehouse whose certificate another CA signed is not asked, and the password does not leave."""
    with pytest.raises(Unavailable) as refused:
        connect(_settings(stack, outside, tmp_path / "other-ca.pem"), database=False)
    assert "certificate verify failed" in str(refused.value.__cause__)
