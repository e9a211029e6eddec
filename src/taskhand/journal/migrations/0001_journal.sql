-- Rows are only ever added, and removed from the oldest end. body is all of a row as JSON; the columns before it say
-- parts of it again, to be found by. Instants are ISO 8601 text in UTC with microseconds.

CREATE TABLE entry (
    seq       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    change_id TEXT,
    place     TEXT,
    task_id   TEXT,
    tool      TEXT,
    outcome   TEXT,
    at        TEXT NOT NULL,
    body      TEXT NOT NULL,
    hash      TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX entry_opening ON entry (change_id) WHERE kind = 'opening';
CREATE INDEX entry_newest ON entry (place, seq) WHERE kind = 'opening';
CREATE INDEX entry_of_change ON entry (change_id, kind);
CREATE INDEX entry_of_task ON entry (task_id, place, change_id) WHERE task_id IS NOT NULL;

-- The newest row (head), and the last one that was pruned (anchor); made is how many changes there ever were.
CREATE TABLE link (
    name TEXT PRIMARY KEY CHECK (name IN ('head', 'anchor')),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO link VALUES
    ('head', 0, '0000000000000000000000000000000000000000000000000000000000000000'),
    ('anchor', 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE made (changes INTEGER NOT NULL) STRICT;
INSERT INTO made VALUES (0);

-- What follows from the bodies, to be found quickly: claims by scope, and changes without an ending by session.

CREATE TABLE claim (
    scope     TEXT NOT NULL,
    place     TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    change_id TEXT NOT NULL,
    at        TEXT NOT NULL,
    PRIMARY KEY (scope, place, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE under_way (
    change_id TEXT PRIMARY KEY,
    session   TEXT NOT NULL,
    place     TEXT NOT NULL,
    seq       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
