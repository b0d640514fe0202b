CREATE OR REPLACE VIEW rejections
(@columns(rejection_records)) AS
SELECT @names(rejection_records)
FROM rejection_records FINAL
COMMENT 'A recipient, or a message, that was turned away at the door: nobody had custody of it';
