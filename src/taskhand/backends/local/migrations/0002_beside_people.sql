-- What lists are sorted by is kept beside each person, and the status too, so that one index answers "whose, in which
-- status, and when", and one each "whose, the newest first" and "whose, the highest first".

DROP TRIGGER task_moves;
DROP INDEX responsible_by_due;
ALTER TABLE task_responsible RENAME TO former_responsible;

CREATE TABLE task_responsible (
    task_id        TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    responsible_id TEXT NOT NULL REFERENCES member (id),
    rank           INTEGER NOT NULL,
    due_key        TEXT NOT NULL,
    status_id      TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    priority       INTEGER NOT NULL,
    PRIMARY KEY (task_id, responsible_id)
) STRICT, WITHOUT ROWID;

INSERT INTO task_responsible
SELECT f.task_id, f.responsible_id, f.rank, f.due_key, t.status_id, t.created_at, t.priority
FROM former_responsible f JOIN task t ON t.id = f.task_id
ORDER BY f.task_id, f.responsible_id;

DROP TABLE former_responsible;

CREATE INDEX responsible_by_due ON task_responsible (responsible_id, due_key, task_id);
CREATE INDEX responsible_by_status ON task_responsible (responsible_id, status_id, due_key, task_id);
CREATE INDEX responsible_by_created ON task_responsible (responsible_id, created_at, task_id);
CREATE INDEX responsible_by_priority ON task_responsible (responsible_id, priority, task_id);
CREATE INDEX task_by_status ON task (status_id, due_key, id);

-- The most important of few: what is finished, or not due yet, is passed over without a look at the task itself.
DROP INDEX task_by_priority;
CREATE INDEX task_by_priority ON task (priority, id, status_id, due_key);

CREATE TRIGGER task_moves AFTER UPDATE OF due_key, status_id, priority ON task
BEGIN
    UPDATE task_responsible SET due_key = new.due_key, status_id = new.status_id, priority = new.priority
    WHERE task_id = new.id;
END;
