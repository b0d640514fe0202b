CREATE OR REPLACE VIEW evidence
(@columns(evidence_records)) AS
SELECT @names(evidence_records)
FROM evidence_records FINAL
COMMENT 'The raw line or part that proves an event';
