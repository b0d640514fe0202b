-- What was known at the tick before each hand-over that connected what was known apart, and that tick's next.

-- @apart
CREATE OR REPLACE TABLE work_apart ENGINE = Memory AS
SELECT c.chain AS chain, e.since AS as_of
FROM (SELECT a, since FROM work_edges WHERE toUnixTimestamp64Micro(since) > 0) AS e
INNER JOIN (SELECT leg, chain, since FROM work_chains) AS c ON e.a = c.leg
WHERE c.since < e.since
GROUP BY chain, as_of
HAVING uniqExact(e.a) > 1;

-- @is_apart
SELECT (SELECT count() FROM work_apart), (SELECT count() FROM reunion_records WHERE message_key IN (SELECT message_key FROM work_keys));

-- @groups
CREATE OR REPLACE TABLE work_apart_keys ENGINE = Memory AS
SELECT DISTINCT chain, message_key FROM work_chained WHERE chain IN (SELECT chain FROM work_apart);

CREATE OR REPLACE TABLE work_shared ENGINE = Memory AS
SELECT place, arrayJoin(message_keys) AS message_key
FROM
(
    SELECT one AS place, groupUniqArray(message_key) AS message_keys
    FROM (SELECT arrayJoin([place, next_place]) AS one, message_key FROM work_facts)
    WHERE one != 0
    GROUP BY one
    HAVING length(message_keys) > 1
);

CREATE OR REPLACE TABLE work_groups ENGINE = Memory AS
SELECT DISTINCT message_key, message_key AS label
FROM (SELECT message_key FROM work_shared UNION ALL SELECT message_key FROM work_apart_keys);

-- @group_round
CREATE OR REPLACE TABLE work_groups_next ENGINE = Memory AS
SELECT message_key, min(label) AS label
FROM
(
    SELECT message_key, label FROM work_groups
    UNION ALL
    SELECT s.message_key, p.label
    FROM work_shared AS s
    INNER JOIN
    (
        SELECT s.place AS place, min(g.label) AS label
        FROM work_shared AS s INNER JOIN work_groups AS g ON s.message_key = g.message_key
        GROUP BY s.place
    ) AS p ON s.place = p.place
)
GROUP BY message_key;

-- @group_changed
SELECT count()
FROM work_groups_next AS n
INNER JOIN work_groups AS g ON n.message_key = g.message_key
WHERE n.label != g.label;

-- @group_exchange
EXCHANGE TABLES work_groups AND work_groups_next;

-- @moments
CREATE OR REPLACE TABLE work_moments ENGINE = Memory AS
SELECT g.message_key AS message_key, m.as_of AS as_of, m.number AS number
FROM work_groups AS g
INNER JOIN
(
    SELECT label, as_of, row_number() OVER (PARTITION BY label ORDER BY as_of) AS number
    FROM
    (
        SELECT DISTINCT g.label AS label, a.as_of AS as_of
        FROM work_apart AS a
        INNER JOIN work_apart_keys AS k ON a.chain = k.chain
        INNER JOIN work_groups AS g ON k.message_key = g.message_key
    )
) AS m ON g.label = m.label;

CREATE OR REPLACE TABLE work_all ENGINE = Memory AS
SELECT * FROM work_facts WHERE message_key IN (SELECT message_key FROM work_moments);

INSERT INTO reunion_records
SELECT m.message_key, f.log_partition, m.as_of, NULL, f.observed_at, {version:UInt64}, 0
FROM work_moments AS m
INNER JOIN (SELECT message_key, min(log_partition) AS log_partition, max(observed_at) AS observed_at FROM work_all GROUP BY message_key) AS f
    ON m.message_key = f.message_key;

-- @most
SELECT max(number) FROM work_moments;

-- @former
CREATE OR REPLACE TABLE work_facts ENGINE = Memory AS
SELECT f.*
FROM work_all AS f
INNER JOIN (SELECT message_key, as_of FROM work_moments WHERE number = {number:UInt64}) AS m ON f.message_key = m.message_key
WHERE f.clock < m.as_of;

-- @apart_records
CREATE OR REPLACE TABLE work_@table AS @table ENGINE = Memory;

-- @keep_former
INSERT INTO former_@table SELECT r.*, m.as_of FROM work_@table AS r INNER JOIN work_moments AS m ON r.message_key = m.message_key WHERE m.number = {number:UInt64};

-- @nexts
INSERT INTO reunion_records
SELECT r.* REPLACE (n.next_at AS next_at, {version:UInt64} + 1 AS version)
FROM reunion_records AS r FINAL
INNER JOIN
(
    SELECT m.log_partition AS log_partition, m.as_of AS as_of, argMin(t.through, t.log_offset) AS next_at
    FROM
    (
        SELECT log_partition, through, log_offset FROM ticks
        WHERE through > (SELECT minOrNull(as_of) FROM reunion_records FINAL WHERE next_at IS NULL)
            AND log_offset < transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, toUInt64(0))
    ) AS t
    ASOF INNER JOIN (SELECT DISTINCT log_partition, as_of FROM reunion_records FINAL WHERE next_at IS NULL) AS m
        ON t.log_partition = m.log_partition AND t.through > m.as_of
    GROUP BY m.log_partition, m.as_of
) AS n ON r.log_partition = n.log_partition AND r.as_of = n.as_of
WHERE r.next_at IS NULL;
