CREATE OR REPLACE VIEW derivation
(@columns(derivations)) AS
SELECT @names(derivations)
FROM derivations FINAL;
