-- A case that comes back says since when, and of how many alerts, it stands now. Only comments change.

ALTER TABLE case_records COMMENT COLUMN case_id 'Hash of the rule and of what holds its members up: the same each time that it comes back';
ALTER TABLE case_records COMMENT COLUMN opened_at 'Raised time of the first alert of the last time that it stood without a gap';
ALTER TABLE case_records COMMENT COLUMN closed_at 'When the last was cleared; empty while one stands';
ALTER TABLE case_records COMMENT COLUMN members 'Alerts of the last time that it stood, cleared ones too';
