-- What these columns have always held.

ALTER TABLE queue_records COMMENT COLUMN priority 'Always 0: queues are counted whatever the priority';
ALTER TABLE queue_records COMMENT COLUMN at 'The last tick when it was counted; what came since is in it';
