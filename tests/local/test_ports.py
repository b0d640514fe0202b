"""Ports are chosen once and kept; one that somebody took is replaced."""

import socket
from pathlib import Path

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
