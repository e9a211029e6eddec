-- Lists by priority are, within each priority, in order of the due date. As before, what is finished is passed over
-- without a look at the task itself.

DROP INDEX responsible_by_priority;
CREATE INDEX responsible_by_priority ON task_responsible (responsible_id, priority, due_key, task_id);

DROP INDEX task_by_priority;
CREATE INDEX task_by_priority ON task (priority, due_key, id, status_id);
