"""A record of `journalctl -o json`.

Rules:
- A record tells when journald received it and, where that is known, when it was said: this counts, for it is the time
  that a file has.
"""

from typing import Any

import msgspec

_QUEUED = 3_600_000_000
"""Microseconds that a record may wait for journald at most; one that seems to wait longer has a wrong time."""


class Journal(msgspec.Struct, frozen=True):
    """The fields of a journal record that matter."""

    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP")
    source: Any = msgspec.field(name="_SOURCE_REALTIME_TIMESTAMP", default=None)
    message: str | list[int] | None = msgspec.field(name="MESSAGE", default=None)
    host: str = msgspec.field(name="_HOSTNAME", default="")
    identifier: str = msgspec.field(name="SYSLOG_IDENTIFIER", default="")
    syslog_pid: str = msgspec.field(name="SYSLOG_PID", default="")
    pid: str = msgspec.field(name="_PID", default="")


def said(raw: str) -> tuple[int, Journal, str] | None:
    """When a record was said (microseconds UTC), the record, and its text; None where it is no record."""
    try:
        record = msgspec.json.decode(raw, type=Journal)
        at = _said_at(record)
        message = record.message or ""
        text = message if isinstance(message, str) else bytes(message).decode("utf-8", "replace")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return at, record, text


def _said_at(record: Journal) -> int:
    """When a record was said, microseconds UTC (systemd.journal-fields(7)), or else was received.

    Raises:
        ValueError: it has no time.
    """
    received, told = int(record.realtime), record.source
    is_number = isinstance(told, str) and told.isdecimal() and len(told) <= len(record.realtime)
    return int(told) if is_number and 0 <= received - int(told) <= _QUEUED else received
