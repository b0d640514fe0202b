-- Credit: whose evidence is that is connected to no submission (streams/core/credit.py says it for the stream).

-- @credit
CREATE OR REPLACE TABLE work_claims ENGINE = Memory AS
WITH
    -- To whom a name belongs: as it was submitted, else as a submitted one gave way to it.
    p AS
    (
        SELECT message_key, half, any(lowerUTF8(recipient)) AS address, argMin(chain, (known, at, place)) AS chain, min(known) AS first_known, 0 AS turn
        FROM work_submissions
        GROUP BY message_key, half
        UNION ALL
        SELECT t.message_key, t.half, t.address, t.chain, greatest(t.known, s.known), 3
        FROM
        (
            SELECT w.message_key AS message_key, w.next_half AS half, any(lowerUTF8(g.recipient)) AS address, argMin(w.chain, (w.known, w.next_place)) AS chain, min(w.known) AS known
            FROM work_chained AS w
            INNER JOIN (SELECT leg AS of_leg, recipient FROM work_legs) AS g ON w.next_leg = g.of_leg
            WHERE w.kind = 'redirected' AND w.next_stay = 'queue'
            GROUP BY w.message_key, w.next_half
        ) AS t
        INNER JOIN (SELECT chain AS of_chain, min(known) AS known FROM work_submissions GROUP BY chain) AS s ON t.chain = s.of_chain
    )
SELECT
    of_chain AS chain,
    argMin((of_owner, valid), (valid, rank)) AS one,
    one.1 AS owner,
    one.2 AS since,
    any(s.own_known) AS own_known,
    least(any(m.second_known), any(s.own_known)) AS until
FROM
(
SELECT o.chain AS of_chain, p.chain AS of_owner, o.message_key AS of_key, greatest(o.named.1, p.first_known) AS valid, o.rank + p.turn AS rank
FROM
(
    SELECT r.chain AS chain, k.message_key AS message_key, named, rank
    FROM
    (
        SELECT chain, arraySlice(arraySort(groupArray((met, half))), 1, 2) AS two
        FROM (SELECT chain, half, min(named_known) AS met FROM work_legs GROUP BY chain, half)
        GROUP BY chain
    ) AS r
    INNER JOIN (SELECT DISTINCT chain, message_key FROM work_legs) AS k ON r.chain = k.chain
    ARRAY JOIN r.two AS named, arrayEnumerate(r.two) AS rank
) AS o
INNER JOIN p ON o.message_key = p.message_key AND o.named.2 = p.half
UNION ALL
SELECT u.chain, p.chain, u.message_key, greatest(u.since, p.first_known), 3 + p.turn
FROM
(
    SELECT chain, message_key, argMin(lowerUTF8(recipient), (known, lowerUTF8(recipient))) AS address, min(known) AS since
    FROM work_chained
    WHERE kind = 'delivered' AND stay = 'session'
    GROUP BY chain, message_key
) AS u
INNER JOIN p ON u.message_key = p.message_key AND u.address = p.address
) AS f
INNER JOIN work_messages AS m ON f.of_key = m.message_key
LEFT JOIN (SELECT chain AS own_chain, toNullable(min(known)) AS own_known FROM work_submissions GROUP BY chain) AS s ON f.of_chain = s.own_chain
GROUP BY of_chain
HAVING ifNull(one.2 < until, 1);

CREATE OR REPLACE TABLE work_owners ENGINE = Memory AS
SELECT chain, owner, since, until FROM work_claims WHERE own_known IS NULL;

-- Whose is what is known of a chain, and what of it: all of its own, and what was known in time of those credited to it.
CREATE OR REPLACE TABLE work_credits ENGINE = Memory AS
SELECT DISTINCT chain, chain AS owner, @ever AS since, @never AS until FROM work_submissions
UNION ALL
SELECT chain, owner, since, ifNull(until, @never) FROM work_claims WHERE owner != chain;

-- What was known before its own submission was: it counts for both, since it was told. Where a report was due one that came
-- before counts until then: one that came later cleared an alarm that had been told.
CREATE OR REPLACE TABLE work_early ENGINE = Memory AS
SELECT
    w.owner AS owner,
    minOrNullIf(greatest(c.known, w.since), c.is_final) AS report_known,
    minOrNullIf(greatest(c.known, w.since), c.kind = 'delivered') AS delivered_known,
    minOrNullIf(greatest(c.known, w.since), c.kind IN ('refused', 'non_delivered')) AS refused_known,
    minOrNullIf(greatest(c.known, w.since), c.is_told) AS told_known,
    minOrNullIf(greatest(c.known, w.since), c.kind = 'read' AND c.stay != 'copy') AS receipt_known,
    minOrNullIf(greatest(c.known, w.since), c.kind = 'discharged') AS discharged_known,
    arraySort(groupArrayIf((greatest(c.known, w.since), assumeNotNull(w.own_known)), c.is_final)) AS reports,
    groupArrayIf((greatest(c.known, w.since), assumeNotNull(w.until)), c.kind = 'delivered') AS deliveries
FROM (SELECT * FROM work_claims WHERE own_known IS NOT NULL AND owner != chain) AS w
INNER JOIN work_chained AS c ON w.chain = c.chain
WHERE greatest(c.known, w.since) < w.until
GROUP BY owner;

CREATE OR REPLACE TABLE work_credited ENGINE = Memory AS
SELECT
    w.owner != @none AND ifNull(greatest(c.known, w.since) < w.until, 1) AS is_credited,
    if(is_credited, w.owner, c.chain) AS owner,
    c.* EXCEPT (known),
    if(is_credited, greatest(c.known, w.since), c.known) AS known,
    (c.kind = 'reported' AND c.action = 'delivered') OR c.kind IN ('delivered', 'discharged') AS is_proof
FROM work_chained AS c
LEFT JOIN (SELECT chain AS of_chain, owner, since, until FROM work_owners) AS w ON c.chain = w.of_chain;
