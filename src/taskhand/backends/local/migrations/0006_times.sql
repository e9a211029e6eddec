-- When a task was last changed, when it was finished and by which member. Of what was done before, this is not known.

ALTER TABLE task ADD COLUMN updated_at TEXT;
ALTER TABLE task ADD COLUMN completed_at TEXT;
ALTER TABLE task ADD COLUMN completed_by TEXT;

CREATE INDEX task_by_updated ON task (updated_at) WHERE updated_at IS NOT NULL;
CREATE INDEX task_by_completed ON task (completed_at) WHERE completed_at IS NOT NULL;
