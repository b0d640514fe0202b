CREATE OR REPLACE VIEW evidence
(@columns(evidence_records)) AS
SELECT @names(evidence_records)
FROM evidence_records FINAL;
