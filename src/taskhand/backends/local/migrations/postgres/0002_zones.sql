-- oldest: 1
-- In which zones tasks are due is asked with every list of what is overdue.
CREATE INDEX IF NOT EXISTS task_by_zone ON task (due_timezone, due_key) WHERE due_timezone IS NOT NULL;
