CREATE OR REPLACE VIEW events
(@columns(event_records)) AS
SELECT @names(event_records)
FROM event_records FINAL
COMMENT 'A fact: something that happened to a message, as evidence tells it';
