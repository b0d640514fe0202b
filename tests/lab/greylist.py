"""A Postfix policy server that greylists: some recipients are told once to come again."""

import socketserver
import threading
from types import TracebackType
from typing import Self


class _Asked(socketserver.StreamRequestHandler):
    """One connection of smtpd: blocks of name=value, an empty line after each."""

    server: "Greylist"

    def handle(self) -> None:
        """Answer until it is closed."""
        asked: dict[str, str] = {}
        for line in self.rfile:
            name, _, value = line.decode().strip().partition("=")
            if name:
                asked[name] = value
            else:
                self.wfile.write(f"action={self.server.answer(asked)}\n\n".encode())
                asked = {}


class Greylist(socketserver.ThreadingTCPServer):
    """Listens on a free port of its own while the block runs."""

    daemon_threads = True

    def __init__(self, *recipients: str) -> None:
        """Greylist some recipients, let all others through."""
        super().__init__(("127.0.0.1", 0), _Asked)
        self._new = set(recipients)

    @property
    def place(self) -> str:
        """Where it listens, as Postfix has it."""
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    def answer(self, asked: dict[str, str]) -> str:
        """The first attempt has to come again (RFC 6647)."""
        recipient = asked.get("recipient", "")
        if recipient not in self._new:
            return "DUNNO"
        self._new.discard(recipient)
        return "450 4.7.1 greylisted, come again"

    def __enter__(self) -> Self:
        """Answer in a thread."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop and close."""
        self.shutdown()
        self.server_close()
