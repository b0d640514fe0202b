-- Which row of a fact is shown is marked: chosen here, it would read no index, or take too much memory.
CREATE OR REPLACE VIEW events
(@columns(event_records)) AS
SELECT @names(event_records)
FROM event_records FINAL
WHERE NOT retold
COMMENT 'A fact of a message as evidence tells it; told at several fractions of its second, at the earliest';
