-- A list of the highest first, of a word that many tasks have, tells those by their numbers without a look at them.

DROP INDEX IF EXISTS task_by_priority;
CREATE INDEX task_by_priority ON task (priority, due_key, id, status_id, number);
