"""The loopback ports of a data directory: chosen free once, then kept, so that bookmarks and dashboards stay right.

A port that somebody else has taken meanwhile is replaced, and the new one is kept; so is what cannot be read.
"""

import socket
from pathlib import Path

import msgspec
import psutil

from streams import files

LOOPBACK = "127.0.0.1"


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Where each listener is; 0 means: not chosen yet."""

    kafka: int = 0
    controller: int = 0
    clickhouse: int = 0


def choose(data: Path) -> Ports:
    """The ports of a data directory, all of them free at this moment."""
    file = data / "ports.json"
    kept = _kept(file)
    ports = _free(kept)
    if ports != kept:
        files.store(file, msgspec.json.encode(ports))
    return ports


def is_open(port: int) -> bool:
    """Does somebody accept connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_open_by(process: int, port: int) -> bool:
    """Does a process of ours accept connections there, and not somebody else who was given the same port."""
    if not is_open(port):
        return False
    try:
        sockets = psutil.Process(process).net_connections("tcp")
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets)


def _kept(file: Path) -> Ports:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Ports)
    except (FileNotFoundError, msgspec.DecodeError):
        return Ports()


def _free(kept: Ports) -> Ports:
    """Hold all sockets at once, so that no two listeners are given the same port."""
    held: dict[str, socket.socket] = {}
    try:
        for name, port in msgspec.structs.asdict(kept).items():
            held[name] = _bound(port)
        return Ports(**{name: listener.getsockname()[1] for name, listener in held.items()})
    finally:
        for listener in held.values():
            listener.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port we left seconds ago is ours again
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.bind((LOOPBACK, 0))
    return listener
