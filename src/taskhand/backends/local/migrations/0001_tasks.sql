-- Days and instants are ISO 8601 text; due_key is Due.key, or '~' (after every digit) for a task without a due date.

CREATE TABLE status (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    folded   TEXT NOT NULL UNIQUE,
    color    TEXT,
    type     TEXT NOT NULL CHECK (type IN ('initial', 'in_progress', 'done', 'master_done')),
    position INTEGER NOT NULL
) STRICT;

-- A member who leaves stays here, inactive: tasks may still name them.
CREATE TABLE member (
    id     TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    email  TEXT,
    is_me  INTEGER NOT NULL DEFAULT 0,
    active INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE contact (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    phone       TEXT,
    email       TEXT,
    customer_id TEXT,
    searchable  TEXT NOT NULL
) STRICT;

CREATE TABLE task (
    id             TEXT PRIMARY KEY,
    title          TEXT NOT NULL,
    description    TEXT,
    due_at         TEXT,
    due_timezone   TEXT,
    is_all_day     INTEGER NOT NULL,
    due_key        TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    ai_contact_id  TEXT,
    ai_customer_id TEXT,
    status_id      TEXT NOT NULL REFERENCES status (id),
    priority       INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),
    creator_id     TEXT,
    searchable     TEXT NOT NULL
) STRICT;

CREATE INDEX task_by_due ON task (due_key, id);
CREATE INDEX task_by_created ON task (created_at, id);
CREATE INDEX task_by_priority ON task (priority, id);
CREATE INDEX task_by_contact ON task (ai_contact_id) WHERE ai_contact_id IS NOT NULL;
CREATE INDEX task_by_customer ON task (ai_customer_id) WHERE ai_customer_id IS NOT NULL;

-- due_key is kept beside each person, so that one index answers "whose, and when".
CREATE TABLE task_responsible (
    task_id        TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    responsible_id TEXT NOT NULL REFERENCES member (id),
    rank           INTEGER NOT NULL,
    due_key        TEXT NOT NULL,
    PRIMARY KEY (task_id, responsible_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX responsible_by_due ON task_responsible (responsible_id, due_key, task_id);

CREATE TRIGGER task_moves AFTER UPDATE OF due_key ON task
BEGIN
    UPDATE task_responsible SET due_key = new.due_key WHERE task_id = new.id;
END;

-- How many ids were given out under `--ids sequential`.
CREATE TABLE id_sequence (last INTEGER NOT NULL) STRICT;
INSERT INTO id_sequence VALUES (0);
