"""Ports are chosen once and kept; one that somebody took is replaced."""

import errno
import os
import socket
from pathlib import Path

import pytest

from streams.local import ports


def test_ports_are_kept(tmp_path: Path) -> None:
    """A data directory has the same ports every time, and no two listeners share one."""
    first = ports.choose(tmp_path)
    assert ports.choose(tmp_path) == first
    assert len({first.kafka, first.controller, first.clickhouse}) == 3


def test_a_taken_port_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    """Where somebody else listens at a kept port, that one is chosen anew, and kept from then on."""
    first = ports.choose(tmp_path)
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, first.kafka))
        other.listen()
        second = ports.choose(tmp_path)
        assert ports.is_open(first.kafka)
    assert second.kafka != first.kafka
    assert (second.controller, second.clickhouse) == (first.controller, first.clickhouse)
    assert ports.choose(tmp_path) == second


def test_ports_that_cannot_be_read_are_chosen_anew(tmp_path: Path) -> None:
    """A start that was cut short left half a text: the next one works, and what it chose is kept."""
    (tmp_path / "ports.json").write_bytes(b'{"kafka":4')
    assert ports.choose(tmp_path) == ports.choose(tmp_path)


def test_ports_that_cannot_be_kept_leave_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full while they are written: a kept port stays what it is."""

    def full(_handle: object) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    before = ports.choose(tmp_path)
    with socket.socket() as other, monkeypatch.context() as patched:
        other.bind((ports.LOOPBACK, before.kafka))
        other.listen()
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            ports.choose(tmp_path)
    assert ports.choose(tmp_path) == before
