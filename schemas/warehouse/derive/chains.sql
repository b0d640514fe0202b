-- Chains: stays that custody passed between have one label, the least of their legs.

-- @chains
CREATE OR REPLACE TABLE work_edges ENGINE = Memory AS
SELECT one.1 AS a, one.2 AS b, min(clock) AS since
FROM (SELECT arrayJoin([(leg, next_leg), (next_leg, leg)]) AS one, clock FROM work_facts WHERE stay != 'entry' AND next_stay != 'none')
GROUP BY a, b;

CREATE OR REPLACE TABLE work_labels ENGINE = Memory AS
SELECT a AS leg, least(a, min(b)) AS label FROM work_edges GROUP BY a;

-- @round
CREATE OR REPLACE TABLE work_labels_next ENGINE = Memory AS
SELECT leg, min(label) AS label
FROM
(
    SELECT leg, label FROM work_labels
    UNION ALL
    SELECT e.a AS leg, l.label AS label FROM work_edges AS e INNER JOIN work_labels AS l ON e.b = l.leg
    UNION ALL
    SELECT o.leg AS leg, l.label AS label FROM work_labels AS o INNER JOIN work_labels AS l ON o.label = l.leg
)
GROUP BY leg;

-- @changed
SELECT count()
FROM work_labels_next AS n
INNER JOIN work_labels AS l ON n.leg = l.leg
WHERE n.label != l.label;

-- @exchange
EXCHANGE TABLES work_labels AND work_labels_next;
