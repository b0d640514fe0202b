CREATE OR REPLACE VIEW cases
(@columns(case_records)) AS
SELECT @names(case_records)
FROM case_records FINAL
COMMENT 'A cause, and how many alerts it explains';
