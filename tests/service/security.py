"""What the tests of TLS share: certificates, passwords, and parts that run while a block does."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import trustme
from cryptography.hazmat.primitives import serialization

from streams.local import part
from streams.local.part import Part

PATIENCE = 180
GOOD, BAD = "custody-password", "wrong-password"


def _pem(file: Path, *blobs: trustme.Blob) -> Path:
    file.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return file


def _key(certificate: trustme.LeafCert) -> bytes:
    """The private key in PKCS#8, the only form Kafka reads."""
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_pki(pki: Path) -> None:
    """A CA, a broker, a client, and a stranger with a CA of their own."""
    ours, theirs = trustme.CA(), trustme.CA()
    broker, client, stranger = ours.issue_cert("127.0.0.1"), ours.issue_cert("custody"), theirs.issue_cert("custody")
    _pem(pki / "ca.pem", ours.cert_pem)
    _pem(pki / "other-ca.pem", theirs.cert_pem)
    for name, made in (("client", client), ("stranger", stranger)):
        _pem(pki / f"{name}.pem", *made.cert_chain_pems)
        _pem(pki / f"{name}.key", made.private_key_pem)
    (pki / "kafka.pem").write_bytes(_key(broker) + b"".join(blob.bytes() for blob in broker.cert_chain_pems))
    for name in (GOOD, BAD):
        (pki / name).write_text(f"{name.replace('-', '')}\n", encoding="utf-8")


class Running:
    """Parts that run on a loop of its own thread while the block does."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Nothing runs yet."""
        self._parts = parts
        self._processes: list[part.Process] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        """Start all and wait until they answer; where one does not, stop the others."""
        self._thread.start()
        with ExitStack() as failed:
            failed.push(self.__exit__)
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(PATIENCE)
            failed.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._processes += map(part.start, self._parts)
        await asyncio.gather(*map(part.wait_ready, self._parts, self._processes))

    async def _stop(self) -> None:
        await asyncio.gather(*map(part.stop, self._parts, self._processes))
