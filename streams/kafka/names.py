"""Names at the brokers: of a ledger's topics, and of the groups that read them.

Rules:
- A topic is named here without its ledger (`topics.topic_name` says it with it); schemas/topics/NAME.yaml says what it
  holds.
"""

EVENTS = "message-events"

PROGRESS = "progress"

ALERTS = "alerts"

CASES = "cases"

COMMANDS = "commands"

EVIDENCE = "evidence"

QUEUES = "queue-states"

REJECTIONS = "rejections"
"""What was turned away at the door: no message, for nobody had custody of it."""

SNAPSHOTS = "custody-snapshots"

LETTERS = "message-events-dlq"
"""What could not be understood, of whatever topic."""


def tracker_group(ledger: str) -> str:
    """The group of the trackers of a ledger, who read its events."""
    return f"custody-tracker-{ledger}"


def feed_group(topic: str, ledger: str) -> str:
    """The group of those who feed a topic of a ledger into the warehouse."""
    return f"custody-feed-{topic}-{ledger}"
