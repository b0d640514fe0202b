"""A small schema registry for tests: it numbers what it is given, and can be told to refuse."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from streams.kafka import registry as borders

FIRST = 1
"""Its first id: a number that we pin for another schema, as a registry of another house may have it."""


@dataclass
class Registry:
    """What it holds.

    Attributes:
        url: where it listens.
        ids: id by schema text.
        subjects: schema texts by subject.
        refusal: status that it answers with, if any.
        authorizations: what callers said of themselves.
    """

    url: str = ""
    ids: dict[str, int] = field(default_factory=dict)
    subjects: dict[str, list[str]] = field(default_factory=dict)
    refusal: int | None = None
    authorizations: set[str] = field(default_factory=set)


class _Handler(BaseHTTPRequestHandler):
    registry: ClassVar[Registry]

    def do_POST(self) -> None:
        """Look up, or register."""
        registry = self.registry
        registry.authorizations.add(self.headers.get("Authorization", ""))
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
        _, _, subject, *versions = self.path.split("/")
        if registry.refusal:
            self._answer(registry.refusal, {"error_code": registry.refusal, "message": "no"})
        elif versions or text in registry.subjects.get(subject, []):
            registry.subjects.setdefault(subject, []).append(text)
            self._answer(200, {"id": registry.ids.setdefault(text, FIRST + len(registry.ids))})
        else:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Registry]:
    """A registry on a free port, while the block runs; behind TLS where a certificate with its key is given."""
    borders._frames.cache_clear()  # this process may have known another at the same port
    registry = Registry()
    handler = type("Handler", (_Handler,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if certificate:
            server.socket = _under_tls(certificate).wrap_socket(server.socket, server_side=True)
        registry.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


def _under_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context
