"""Has a static member partitions of its group: `python -m tests.service.membership GROUP MEMBER`, settings by stdin.

Asked by a process of its own, since librdkafka may end the one that asks while the broker goes or comes
(streams/kafka/lag.py).
"""

import json
import sys

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient


def _main(group: str, member: str) -> int:
    admin = AdminClient(json.load(sys.stdin))
    try:
        told = admin.describe_consumer_groups([group], request_timeout=5)[group].result()
    except KafkaException:  # it has just come back
        return 1
    shares = {one.group_instance_id: one.assignment.topic_partitions for one in told.members}
    return 0 if shares.get(member) else 1


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
