"""The embedded stack: it starts, it says where it is, what dies comes back with its data, and it ends whole."""

import clickhouse_connect
import pytest
from confluent_kafka.admin import AdminClient

from streams.settings import Settings

pytestmark = pytest.mark.service


def test_stack_answers(stack: Settings, ledger: str) -> None:
    """Both services of a started stack answer to the settings that are read from its data directory."""
    brokers = AdminClient(stack.kafka_client()).list_topics(timeout=10).brokers
    client = clickhouse_connect.get_client(**stack.clickhouse_client())
    assert len(brokers) == 1
    assert client.command(f"SELECT '{ledger}'") == ledger
    client.close()
