"""A world's events as JSON lines, as `custody collect jsonl` reads them: hashes in hexadecimal, nothing left empty."""

from collections.abc import Iterable
from typing import IO, Any

import msgspec

from streams.core.events import MessageEvent
from streams.simulate.pace import Wait, at_once

_THEIRS = frozenset({"source", "file", "offset", "observed_at"})
"""What the collector says that reads them."""

_DEFAULTS: dict[str, Any] = {
    one.name: one.default for one in msgspec.structs.fields(MessageEvent) if one.name not in _THEIRS
}


def write(batches: Iterable[tuple[int, Iterable[MessageEvent]]], out: IO[bytes], wait: Wait = at_once) -> int:
    """Write events, each when it could be read; returns their number."""
    count = 0
    for read_at, some in batches:
        wait(read_at)
        lines = [line(event) for event in some]
        out.write(b"".join(lines))
        if wait is not at_once:
            out.flush()
        count += len(lines)
    out.flush()
    return count


def line(event: MessageEvent) -> bytes:
    """One event, with its line's end."""
    said = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, default in _DEFAULTS.items()
        if (value := getattr(event, name)) not in (default, None)
    }
    return msgspec.json.encode(said) + b"\n"
