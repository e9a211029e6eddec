-- Each task has a number, by which the index of texts knows it (text_index.py makes that index where SQLite has FTS5):
-- SQLite may change the rowid of a table whose key is text. assigned is how many people are responsible for a task.

ALTER TABLE task ADD COLUMN number INTEGER;
ALTER TABLE task ADD COLUMN assigned INTEGER NOT NULL DEFAULT 0;

-- Most tasks have one person. The others are found by ids in order, as the people of tasks are kept.
UPDATE task SET number = rowid, assigned = 1;
UPDATE task SET assigned = (SELECT count(*) FROM task_responsible r WHERE r.task_id = task.id)
WHERE id IN (
    SELECT id FROM (SELECT id FROM task ORDER BY id)
    WHERE (SELECT count(*) FROM task_responsible r WHERE r.task_id = id) <> 1
);

-- What lists are sorted by is in these indexes, too: tasks that one of them tells are sorted without a look at them.

CREATE INDEX task_by_number ON task (number, due_key, created_at, priority, id);
CREATE INDEX task_of_nobody ON task (due_key, id, status_id, created_at, priority) WHERE assigned = 0;

DROP INDEX task_by_due;
CREATE INDEX task_by_due ON task (due_key, id, created_at, priority, number);
DROP INDEX task_by_created;
CREATE INDEX task_by_created ON task (created_at, id, due_key, priority, number);
DROP INDEX task_by_updated;
CREATE INDEX task_by_updated ON task (updated_at, due_key, created_at, priority, id) WHERE updated_at IS NOT NULL;
DROP INDEX task_by_completed;
CREATE INDEX task_by_completed ON task (completed_at, due_key, created_at, priority, id) WHERE completed_at IS NOT NULL;

CREATE TRIGGER task_is_numbered AFTER INSERT ON task WHEN new.number IS NULL
BEGIN
    UPDATE task SET number = (SELECT coalesce(max(number), 0) + 1 FROM task) WHERE id = new.id;
END;

CREATE TRIGGER responsible_is_added AFTER INSERT ON task_responsible
BEGIN
    UPDATE task SET assigned = assigned + 1 WHERE id = new.task_id;
END;

CREATE TRIGGER responsible_is_removed AFTER DELETE ON task_responsible
BEGIN
    UPDATE task SET assigned = assigned - 1 WHERE id = old.task_id;
END;

-- Two spaces, so that the last letters of a text begin a group of three, too.
CREATE VIEW task_text AS SELECT number, searchable || '  ' AS text FROM task;
