"""Named questions: what the terminal, and later a console, asks of the warehouse. Answers are data, never text.

Rules:
- Values are parameters of the engine, never part of the SQL.
- Ids and addresses are taken as copied (named.py); what could mean several messages gives candidates.
- What they hold for, `clock` says.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from streams.core.errors import Misuse
from streams.settings import Settings
from streams.warehouse import named
from streams.warehouse.client import ASKING, ask, connect, told
from streams.warehouse.derive import is_derived
from streams.warehouse.members import Members

Rows = list[dict[str, Any]]

LIMIT = 10_000
"""Alerts of a rule that are read; `counts` counts all."""

_ABOUT = "SELECT unit FROM alert_records WHERE {{rule:String}} = '' OR rule IN splitByChar(',', {{rule:String}})"
_CHAINS = f"""
    SELECT leg, chain FROM {{0}} WHERE leg IN ({_ABOUT})
    UNION ALL SELECT leg, chain FROM {{1}} WHERE leg IN ({_ABOUT})
"""  # noqa: S608 - our own texts
"""The chains of what alerts of some rules are about: a join of few rows, where all legs there are would be millions."""

BY = {
    "priority": ("reliability_by_priority", ("priority",)),
    "peer": ("reliability_by_peer", ("peer",)),
    "domain": ("reliability_by_domain", ("originator_domain", "recipient_domain")),
    "day": ("reliability_daily", ("day",)),
}
"""Reliability by what: the view and its columns."""


_KNOWN = {
    "units": "SELECT * FROM custody WHERE message_key = {key:String} ORDER BY submitted_at, recipient",
    "events": """
        SELECT kind, occurred_at, host, queue_id, recipient, original_recipient, next_queue_id, peer, side,
            source, action, status, diagnostic, traffic, originator, priority, size, report_requested,
            file, offset, attributes, hex(event_id) AS event, seq
        FROM
        (
            SELECT * FROM event_records WHERE message_key = {key:String}
            ORDER BY occurred_at, log_offset LIMIT 1 BY event_id
        )
        ORDER BY occurred_at, host, seq, event_id
        """,
    "alerts": """
        SELECT * FROM alerts WHERE alert_id IN (SELECT alert_id FROM alert_records WHERE message_key = {key:String})
        ORDER BY raised_at
        """,
    "copies": "SELECT * FROM copies WHERE message_key = {key:String} ORDER BY saved_at",
    "notices": """
        SELECT * FROM event_records
        WHERE kind NOT IN ('removed', 'reported', 'rerouted') AND message_key IN
        (
            SELECT substring(arrayFirst(a -> startsWith(a, 'report='), attributes), 8) FROM event_records
            WHERE message_key = {key:String} AND kind = 'reported' AND action = 'issued'
        )
        ORDER BY occurred_at DESC, seq DESC, event_id LIMIT 1 BY message_key
        """,
}
"""What is known of a message, and the latest of each notification about it.

The first record of a fact counts: found sooner among few rows than in `events`.
"""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The warehouse of one ledger."""

    client: Any

    @classmethod
    def of(cls, settings: Settings, patience: int = ASKING) -> "Warehouse":
        """Connect, read-only; `patience` is for how many seconds it may be silent.

        Raises:
            Unavailable: the warehouse does not answer.
        """
        return cls(connect(settings, readonly=True, patience=patience))

    def clock(self) -> dict[str, Any]:
        """The last tick: through, silent, behind, and how many sources there are; empty before the first."""
        rows = ask(
            self.client,
            """
            SELECT through, silent, behind, doubted, (
                SELECT count() FROM (SELECT DISTINCT source FROM event_records WHERE source != 'operator')
            ) AS sources
            FROM ticks ORDER BY through DESC, log_offset DESC LIMIT 1
            """,
        )
        return rows[0] if rows else {}

    def is_derived(self) -> bool:
        """Is everything derived that was fed."""
        return told(lambda: is_derived(self.client))

    def alerts(self, rule: str = "", *, standing: bool = False) -> Rows:
        """Alerts of some rules (names with commas between; "" is all) with what is known now; the most urgent first.

        At most `LIMIT`; `counts` counts them all.
        """
        return ask(
            self.client,
            f"""
            SELECT a.alert_id AS alert_id, a.rule AS rule, a.unit AS unit, a.raised_at AS raised_at,
                a.cleared_at AS cleared_at, a.withdrawn AS withdrawn, a.due AS due, a.message_key AS message_key,
                a.host AS host, a.queue_id AS queue_id, a.recipient AS recipient, a.severity AS severity,
                a.cause AS cause, a.holder_host AS holder_host, a.holder_queue_id AS holder_queue_id,
                c.originator AS originator, c.priority AS priority,
                nullIf(c.submitted_at, toDateTime64(0, 6, 'UTC')) AS submitted_at,
                c.message_id AS message_id, c.delivered_at AS delivered_at, c.report_at AS report_at,
                c.proof_at AS proof_at, c.proof AS proof, c.deleted_at AS deleted_at, h.held_at AS held_at,
                c.outcome AS outcome, c.last_host AS last_host, c.last_queue_id AS last_queue_id,
                d.by_postsuper AS by_postsuper
            FROM alerts AS a
            ANY LEFT JOIN ({_CHAINS.format("legs", "copies")}) AS m ON a.unit = m.leg
            ANY LEFT JOIN
            (
                SELECT * FROM custody
                WHERE chain IN (SELECT chain FROM ({_CHAINS.format("leg_records", "copy_records")}))
            ) AS c ON m.chain = c.chain
            ANY LEFT JOIN
            (
                SELECT message_key, host, queue_id, max(g.held_at) AS held_at FROM legs AS g
                WHERE g.held_at IS NOT NULL GROUP BY message_key, host, queue_id
            ) AS h ON a.message_key = h.message_key AND a.holder_host = h.host AND a.holder_queue_id = h.queue_id
            ANY LEFT JOIN
            (
                SELECT DISTINCT message_key, host, queue_id, true AS by_postsuper FROM event_records
                WHERE message_key IN (SELECT message_key FROM alert_records WHERE startsWith(cause, 'deleted'))
                    AND kind = 'deleted' AND arrayExists(one -> startsWith(one, 'pid='), attributes)
            ) AS d ON a.message_key = d.message_key AND a.holder_host = d.host AND a.holder_queue_id = d.queue_id
            WHERE ({{rule:String}} = '' OR a.rule IN splitByChar(',', {{rule:String}}))
                AND (NOT {{standing:Bool}} OR a.cleared_at IS NULL)
            ORDER BY a.cleared_at IS NOT NULL, a.severity, priority DESC, a.raised_at, a.message_key, a.alert_id
            LIMIT {{limit:UInt32}} BY a.rule
            """,  # noqa: S608 - our own texts, with parameters
            {"rule": rule, "standing": standing, "limit": LIMIT},
        )

    def counts(self, rule: str = "") -> dict[str, int]:
        """How many alerts of some rules stand, how many are cleared, and how many were taken back."""
        return ask(
            self.client,
            """
            SELECT countIf(cleared_at IS NULL) AS standing,
                countIf(cleared_at IS NOT NULL AND NOT a.withdrawn) AS cleared, countIf(a.withdrawn) AS withdrawn
            FROM alerts AS a
            WHERE {rule:String} = '' OR rule IN splitByChar(',', {rule:String})
            """,
            {"rule": rule},
        )[0]

    def owed(self) -> int:
        """How many units were promised a report."""
        return int(ask(self.client, "SELECT countIf(report_due IS NOT NULL) AS n FROM custody")[0]["n"])

    def queue(self) -> Rows:
        """What every queue owes now, by host, next hop and priority; recipients that no evidence names yet included."""
        return ask(
            self.client,
            """
            SELECT q.host AS host, q.next_hop AS next_hop, q.priority AS priority,
                sum(q.recipients) AS count, min(q.arrived_at) AS oldest,
                sum(q.recipients * ifNull(q.size, 0)) AS volume, countIf(q.attempts > 0) AS deferred,
                sumIf(q.recipients, q.held_at IS NOT NULL AND ifNull(q.held_at > q.released_at, 1)) AS held,
                max(q.last_attempt_at) AS tried_at, argMax(q.last_status, q.last_attempt_at) AS tried_status
            FROM
            (
                SELECT g.host AS host, g.next_hop AS next_hop,
                    if(c.chain = g.chain, c.priority, ifNull(g.priority, 0)) AS priority, 1 AS recipients,
                    g.arrived_at AS arrived_at, g.size AS size, g.attempts AS attempts,
                    g.held_at AS held_at, g.released_at AS released_at,
                    g.last_attempt_at AS last_attempt_at, g.last_status AS last_status
                FROM legs AS g ANY LEFT JOIN custody AS c ON g.chain = c.chain
                WHERE g.arrived_at IS NOT NULL AND g.left_at IS NULL
                UNION ALL
                SELECT e.host, '', ifNull(e.priority, 0),
                    greatest(e.recipients_expected, 1) - toInt64(e.recipients_known) AS unnamed,
                    e.arrived_at, e.size, 0, e.held_at, e.released_at, NULL, NULL
                FROM entries AS e
                WHERE e.arrived_at IS NOT NULL AND e.left_at IS NULL AND unnamed > 0
            ) AS q
            GROUP BY host, next_hop, priority ORDER BY priority DESC, oldest, host, next_hop
            """,
        )

    def cases(self, *, all_of_them: bool = False) -> Rows:
        """Cases; open ones first."""
        return ask(
            self.client,
            "SELECT * FROM cases WHERE {all:Bool} OR state != 'closed' ORDER BY state = 'closed', severity, opened_at",
            {"all": all_of_them},
        )

    def members(self, cause: str) -> Members:
        """What stands of the case of a cause."""
        return Members(self.client, cause)

    def reliability(self, by: str = "priority") -> Rows:
        """The reliability table by priority, peer, domain or day, ending with all."""
        view, columns = BY[by]
        names = ", ".join(columns)
        parts = ask(self.client, f"SELECT * FROM {view} ORDER BY {names} DESC")  # noqa: S608 - from BY
        total = ask(self.client, "SELECT * FROM reliability_total")
        return [*parts, *({columns[0]: "all"} | row for row in total)]

    def proofs(self) -> dict[str, int]:
        """Units that are due and proven: with a report of delivery, else by what says so without one."""
        return ask(
            self.client,
            """
            SELECT countIf(c.report = 'delivered') AS report,
                countIf(c.report != 'delivered' AND c.proof NOT IN ('hand', 'switch')) AS store,
                countIf(c.report != 'delivered' AND c.proof = 'switch') AS switch,
                countIf(c.report != 'delivered' AND c.proof = 'hand') AS hand
            FROM custody AS c WHERE class IN ('proven_in_time', 'proven_late')
            """,
        )[0]

    def span(self) -> dict[str, Any]:
        """The first and the last submission; none where there is none."""
        return ask(
            self.client,
            "SELECT minOrNull(submitted_at) AS first, maxOrNull(submitted_at) AS last FROM custody",
        )[0]

    def units(self, message: str, recipient: str) -> Rows:
        """Units by Message-ID or queue id of the submission, and recipient; as copied.

        Raises:
            Misuse: one of them names nothing.
        """
        return ask(
            self.client,
            """
            SELECT unit, message_key, host, queue_id, recipient FROM custody
            WHERE (message_key = {key:String} OR queue_id = {named:String}) AND lowerUTF8(recipient) = {lower:String}
            ORDER BY submitted_at
            """,
            named.message(message) | named.recipient(recipient),
        )

    def recipients(self, message: str) -> list[str]:
        """To whom a message of ours is, by Message-ID or queue id of the submission; as copied.

        Raises:
            Misuse: it names nothing.
        """
        asked = "SELECT DISTINCT recipient FROM custody WHERE message_key = {key:String} OR queue_id = {named:String}"
        return sorted(row["recipient"] for row in ask(self.client, asked, named.message(message)))

    def candidates(self, copied: str, limit: int = named.CANDIDATES) -> Rows:
        """The messages that a Message-ID, its beginning, a queue id or a recipient could mean, latest first.

        One that has exactly this id is meant, whatever else it could mean. Each part of the question has an index of
        its own: `OR` between them would have none, and neither has the beginning of a queue id. Whose messages are
        which is derived; what is not yet, is looked for. What means nothing else may be an id of ours.

        Args:
            copied: the name.
            limit: the most messages that are wanted.

        Raises:
            Misuse: it names nothing, or is too long.
        """
        asked = named.message(copied) | named.recipient(copied) | {"limit": str(limit)}
        exact = self._messages("message_key = {key:String}", key=asked["key"], limit=asked["limit"])
        return exact or self._named(asked) or self._numbered(named.number(copied), limit)

    def _named(self, asked: dict[str, str]) -> Rows:
        """The messages of a beginning, a queue id or a recipient."""
        return self._messages(
            """message_key IN (
                SELECT message_key FROM
                (
                    SELECT message_key, occurred_at FROM event_records
                    WHERE length({key:String}) > 5 AND startsWith(message_key, {key:String})
                    UNION ALL
                    SELECT message_key, occurred_at FROM event_records WHERE queue_id = {named:String}
                    UNION ALL
                    SELECT message_key, first_at FROM recipient_keys WHERE recipient = {lower:String}
                    UNION ALL
                    SELECT message_key, occurred_at FROM event_records
                    PREWHERE log_offset >= (SELECT if(terms = '', 0, arrayMin(offsets)) FROM derivation)
                    WHERE lowerUTF8(recipient) = {lower:String}
                )
                GROUP BY message_key ORDER BY min(occurred_at) DESC, message_key LIMIT {limit:UInt32}
            )""",
            **asked,
        )

    def turned_away(self, copied: str, limit: int) -> Rows:
        """What was turned away at the door that names an address, as recipient or originator; the latest first.

        Raises:
            Misuse: it names nobody, or is too long.
        """
        return ask(
            self.client,
            """
            SELECT * FROM rejections
            WHERE lowerUTF8(recipient) = {lower:String} OR lowerUTF8(ifNull(originator, '')) = {lower:String}
            ORDER BY occurred_at DESC, rejection_id LIMIT {limit:UInt32}
            """,
            named.recipient(copied) | {"limit": str(limit)},
        )

    def _numbered(self, number: dict[str, str], limit: int) -> Rows:
        """The messages of an alert, a unit or a case, by our own id of it."""
        if not number:
            return []
        return self._messages(
            """message_key IN (
                SELECT message_key FROM
                (
                    SELECT message_key, at FROM alert_records
                    WHERE length({number:String}) = 32 AND unhex({number:String}) IN (alert_id, unit)
                    UNION ALL
                    SELECT message_key, submitted_at FROM unit_records
                    WHERE length({number:String}) = 32 AND unit = unhex({number:String})
                    UNION ALL
                    SELECT message_key, at FROM alert_records WHERE concat(rule, ': ', cause) IN
                    (SELECT cause FROM case_records WHERE startsWith(lower(hex(case_id)), {number:String}))
                )
                WHERE message_key != ''
                GROUP BY message_key ORDER BY min(at) DESC, message_key LIMIT {limit:UInt32}
            )""",
            **number,
            limit=str(limit),
        )

    def _messages(self, where: str, **parameters: str) -> Rows:
        return ask(
            self.client,
            f"""
            SELECT message_key, min(occurred_at) AS first_at, any(message_id) AS message_id,
                coalesce(anyIf(originator, originator != ''), any(originator)) AS originator,
                arraySort(groupUniqArrayIf(recipient, recipient != '')) AS recipients
            FROM event_records WHERE {where} GROUP BY message_key
            ORDER BY first_at DESC, message_key LIMIT {{limit:UInt32}}
            """,  # noqa: S608 - our own conditions, with parameters
            parameters,
        )

    def sql(self, question: str, form: str) -> bytes:
        """The answer to any question, in `form` where it names no format itself; this client is read-only.

        The question goes as it was written, so that what the engine says of its lines is true.

        Raises:
            Misuse: the engine refuses it.
            Unavailable: the warehouse is away.
        """
        if not (form.isascii() and form.isidentifier()):
            raise Misuse(f"No format is called {form!r}.")
        beside = {"X-ClickHouse-Format": form}
        return told(lambda: bytes(self.client.raw_query(question, transport_settings=beside)))

    def hosts(self) -> list[str]:
        """Every host that evidence is of: switches, and stores that name what they hold; not who they talk to."""
        rows = ask(self.client, "SELECT DISTINCT host FROM event_records WHERE host != '' AND kind != 'reported'")
        return sorted(row["host"] for row in rows)

    def trace(self, key: str) -> dict[str, Rows]:
        """All that is known of a message: units, events in order, alerts and copies; asked side by side."""
        named = {"key": key}
        with ThreadPoolExecutor(len(_KNOWN)) as pool:
            asked = {name: pool.submit(ask, self.client, question, named) for name, question in _KNOWN.items()}
        return {name: rows.result() for name, rows in asked.items()}

    def raw(self, key: str) -> Rows:
        """The raw lines and parts that prove what is known of a message."""
        return ask(
            self.client,
            """
            SELECT min(e.occurred_at) AS at, v.source AS source, v.file AS file, v.offset AS offset, any(v.raw) AS raw
            FROM evidence AS v INNER JOIN events AS e ON v.event_id = e.event_id AND v.message_key = e.message_key
            WHERE v.message_key = {key:String} GROUP BY v.source, v.file, v.offset
            ORDER BY toStartOfSecond(at), file, offset
            """,
            {"key": key},
        )
