CREATE OR REPLACE VIEW events
(@columns(event_records)) AS
SELECT @names(event_records)
FROM event_records FINAL;
