-- Made one row a fact, it would read no index but the message's: 10 s for a queue id in a million events, where it is 0.06 s.
CREATE OR REPLACE VIEW events
(@columns(event_records)) AS
SELECT @names(event_records)
FROM event_records FINAL
COMMENT 'A fact of a message as evidence tells it; told at other fractions of its second, it has a row each';
