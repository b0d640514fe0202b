-- Which messages share a place is kept as long as their events. What was there before counts as fed when parts are merged.

ALTER TABLE place_keys ADD COLUMN IF NOT EXISTS fed_at DateTime DEFAULT now() COMMENT 'When its message was derived last';
