-- Which refusals are right is said by the terms.

ALTER TABLE derivations ADD COLUMN IF NOT EXISTS refused_correctly Array(String) COMMENT 'Regular expressions of the statuses with which a refusal is right' AFTER refused_always;
