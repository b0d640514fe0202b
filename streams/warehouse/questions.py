"""Named questions: what the terminal, and later a console, asks of the warehouse. Answers are data, never text.

Rules:
- Values are parameters of the engine, never part of the SQL.
- Ids are taken with and without `<>`; what could mean several messages gives candidates.
- Each answer knows the clock that it holds for.
"""

from dataclasses import dataclass
from typing import Any

from streams.core.identity import message_key
from streams.settings import Settings
from streams.warehouse.client import ask, connect

Rows = list[dict[str, Any]]

LIMIT = 10_000

BY = {
    "priority": ("reliability_by_priority", ("priority",)),
    "peer": ("reliability_by_peer", ("peer",)),
    "domain": ("reliability_by_domain", ("originator_domain", "recipient_domain")),
    "day": ("reliability_daily", ("day",)),
}
"""Reliability by what: the view and its columns."""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The warehouse of one ledger."""

    client: Any

    @classmethod
    def of(cls, settings: Settings) -> "Warehouse":
        """Connect, read-only.

        Raises:
            Unavailable: the warehouse does not answer.
        """
        return cls(connect(settings, readonly=True))

    def clock(self) -> dict[str, Any]:
        """The last tick: through, silent, behind; empty before the first."""
        rows = ask(
            self.client, "SELECT through, silent, behind FROM ticks ORDER BY through DESC, log_offset DESC LIMIT 1"
        )
        return rows[0] if rows else {}

    def counts(self) -> dict[str, int]:
        """How many rows the tables that are derived or fed last have."""
        return ask(
            self.client,
            "SELECT (SELECT count() FROM alerts) AS alerts, (SELECT count() FROM custody) AS custody,"
            " (SELECT count() FROM alarms) AS alarms, (SELECT sum(members) FROM cases) AS in_cases",
        )[0]

    def alerts(self, rule: str = "", *, standing: bool = False) -> Rows:
        """Alerts, with originator, priority and submission of their units; the most urgent first."""
        return ask(
            self.client,
            """
            SELECT a.*, c.originator AS originator, c.priority AS priority, c.submitted_at AS submitted_at,
                c.message_id AS message_id, c.delivered_at AS delivered_at, c.report_at AS report_at
            FROM alerts AS a LEFT JOIN custody AS c ON a.unit = c.unit
            WHERE ({rule:String} = '' OR a.rule IN splitByChar(',', {rule:String}))
                AND (NOT {standing:Bool} OR a.cleared_at IS NULL)
            ORDER BY a.cleared_at IS NOT NULL, a.severity, priority DESC, a.raised_at, a.alert_id LIMIT {limit:UInt32}
            """,
            {"rule": rule, "standing": standing, "limit": LIMIT},
        )

    def overdue(self) -> Rows:
        """Overdue and blind reports."""
        return self.alerts("overdue,blind")

    def owed(self) -> int:
        """How many units were promised a report."""
        return int(ask(self.client, "SELECT countIf(report_due IS NOT NULL) AS n FROM custody")[0]["n"])

    def unread(self) -> Rows:
        """Copies that nobody opened in time."""
        return self.alerts("unread,not-read")

    def queue(self) -> Rows:
        """What every queue owes now, by host, next hop and priority."""
        return ask(
            self.client,
            """
            SELECT host, next_hop, ifNull(priority, 0) AS priority, count() AS count, min(arrived_at) AS oldest,
                sum(ifNull(size, 0)) AS volume, countIf(attempts > 0) AS deferred,
                countIf(held_at IS NOT NULL AND ifNull(held_at > released_at, 1)) AS held,
                max(last_attempt_at) AS tried_at, argMax(last_status, last_attempt_at) AS tried_status
            FROM legs WHERE arrived_at IS NOT NULL AND left_at IS NULL
            GROUP BY host, next_hop, priority ORDER BY priority DESC, oldest
            """,
        )

    def cases(self, *, all_of_them: bool = False) -> Rows:
        """Cases; open ones first."""
        return ask(
            self.client,
            "SELECT * FROM cases WHERE {all:Bool} OR state != 'closed' ORDER BY state = 'closed', severity, opened_at",
            {"all": all_of_them},
        )

    def reliability(self, by: str = "priority") -> Rows:
        """The reliability table by priority, peer, domain or day, ending with all."""
        view, columns = BY[by]
        names = ", ".join(columns)
        parts = ask(self.client, f"SELECT * FROM {view} ORDER BY {names} DESC")  # noqa: S608 - from BY
        total = ask(self.client, "SELECT * FROM reliability_total")
        return [*parts, *({columns[0]: "all"} | row for row in total)]

    def transfer_times(self) -> Rows:
        """Seconds from submission to proof, by day, priority and peer."""
        return ask(self.client, "SELECT * FROM transfer_times ORDER BY day, priority DESC, peer")

    def candidates(self, named: str) -> Rows:
        """The messages that a Message-ID, queue id or recipient could mean, latest first."""
        key = message_key(named) if named.strip("<> ") else ""
        return ask(
            self.client,
            """
            SELECT message_key, min(occurred_at) AS first_at, any(message_id) AS message_id,
                anyIf(originator, originator != '') AS originator,
                arraySort(groupUniqArrayIf(recipient, recipient != '')) AS recipients
            FROM events
            WHERE message_key = {key:String} OR message_key IN (
                SELECT message_key FROM events WHERE queue_id = {named:String} OR lower(recipient) = {lower:String}
            )
            GROUP BY message_key ORDER BY message_key != {key:String}, first_at DESC LIMIT 50
            """,
            {"key": key, "named": named.strip(), "lower": named.strip().lower()},
        )

    def trace(self, key: str) -> dict[str, Rows]:
        """All that is known of a message: units, events in order, alerts, legs and copies."""
        named = {"key": key}
        return {
            "units": ask(
                self.client,
                "SELECT * FROM custody WHERE message_key = {key:String} ORDER BY submitted_at, recipient",
                named,
            ),
            "events": ask(
                self.client,
                """
                SELECT kind, occurred_at, host, queue_id, recipient, original_recipient, next_queue_id, peer, side,
                    source, action, status, diagnostic, traffic, originator, priority, size, file, offset, attributes,
                    hex(event_id) AS event, seq
                FROM events FINAL WHERE message_key = {key:String} ORDER BY occurred_at, host, seq, event_id
                """,
                named,
            ),
            "alerts": ask(
                self.client, "SELECT * FROM alerts WHERE message_key = {key:String} ORDER BY raised_at", named
            ),
            "copies": ask(
                self.client, "SELECT * FROM copies WHERE message_key = {key:String} ORDER BY saved_at", named
            ),
        }

    def raw(self, key: str) -> Rows:
        """The raw lines and parts that prove what is known of a message."""
        return ask(
            self.client,
            """
            SELECT min(e.occurred_at) AS at, v.source AS source, v.file AS file, v.offset AS offset, any(v.raw) AS raw
            FROM evidence AS v FINAL INNER JOIN events AS e ON v.event_id = e.event_id AND v.message_key = e.message_key
            WHERE v.message_key = {key:String} GROUP BY v.source, v.file, v.offset ORDER BY at, file, offset
            """,
            {"key": key},
        )
