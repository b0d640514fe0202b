-- A fact that was told at several times, fractions of a second apart, happened at the earliest; rows of the others are marked.

-- @retold
CREATE OR REPLACE TABLE work_retold ENGINE = Memory AS
SELECT message_key, event_id, min(at) AS first
FROM work_facts
GROUP BY message_key, event_id
HAVING max(at) > first;

INSERT INTO event_records
SELECT e.* REPLACE (1 AS retold, 18446744073709551615 AS version)
FROM event_records AS e FINAL
INNER JOIN work_retold AS r ON e.message_key = r.message_key AND e.event_id = r.event_id
WHERE e.message_key IN (SELECT message_key FROM work_retold) AND e.occurred_at > r.first AND NOT e.retold;
