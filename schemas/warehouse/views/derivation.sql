CREATE OR REPLACE VIEW derivation
(@columns(derivations)) AS
SELECT @names(derivations)
FROM derivations FINAL
COMMENT 'The only row: what everything derived was derived from, and its clock';
