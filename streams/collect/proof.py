"""Raw pieces as proof of events: records of the evidence topic, encoded for a whole chunk at once.

Rules:
- Each event id has its piece; a piece that proves several events is written for each, so that one key finds it.
- At most `RAW` bytes of a piece are kept.
- A collector does this for every event, so the encoding is written out; the tests compare it with the general writer.
"""

from collections.abc import Iterable, Sequence

from streams.collect.parser import Piece, raw_by_offset
from streams.core.events import MessageEvent
from streams.wire.longs import zigzag
from streams.wire.schemas import header

RAW = 8192
"""Bytes of a piece that are kept."""

_HEADER = header("evidence") + zigzag(16)


def proofs(pieces: Sequence[Piece], events: Iterable[MessageEvent], source: str, file: str) -> dict[bytes, bytes]:
    """The encoded evidence of events that came of some pieces of one file, by event id."""
    raw_at, place = raw_by_offset(pieces), _text(source) + _text(file)
    proven: dict[bytes, bytes] = {}
    at, piece = None, b""
    for event in events:
        if event.offset != at:  # events of one piece follow one another
            at = event.offset
            raw = None if at is None else raw_at(at)
            piece = b"" if at is None or raw is None else zigzag(at) + _bytes(raw[:RAW])
        if piece:
            proven[event.event_id] = b"".join((_HEADER, event.event_id, _text(event.message_key), place, piece))
    return proven


def _text(text: str) -> bytes:
    return _bytes(text.encode("utf-8", "replace"))


def _bytes(raw: bytes) -> bytes:
    return zigzag(len(raw)) + raw
