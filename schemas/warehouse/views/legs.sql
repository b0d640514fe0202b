CREATE OR REPLACE VIEW legs
(@columns(leg_records)) AS
SELECT @names(leg_records)
FROM leg_records FINAL;
