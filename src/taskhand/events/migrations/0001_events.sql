-- Instants are ISO 8601 text in UTC with microseconds, which sorts like them. `person` is empty in the feed that all
-- share; `people` are the ids of the responsibles as a JSON list, NULL where they are unknown. A `body` is JSON.

CREATE TABLE feed (
    id           INTEGER PRIMARY KEY,
    place        TEXT NOT NULL,
    person       TEXT NOT NULL,
    version      INTEGER NOT NULL,
    position     TEXT NOT NULL,
    last_seq     INTEGER NOT NULL,
    begun_at     TEXT NOT NULL,
    looked_at    TEXT,
    wanted_until TEXT,
    UNIQUE (place, person)
) STRICT;

CREATE TABLE event (
    feed    INTEGER NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    key     TEXT NOT NULL,
    task_id TEXT NOT NULL,
    kind    TEXT NOT NULL,
    moment  TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    is_old  INTEGER NOT NULL,
    by_id   TEXT,
    people  TEXT,
    body    TEXT NOT NULL,
    PRIMARY KEY (feed, seq),
    UNIQUE (feed, key)
) STRICT;

CREATE INDEX event_by_moment ON event (feed, moment, seq);
CREATE INDEX event_of_task ON event (feed, task_id, seq);

CREATE TABLE task (
    feed    INTEGER NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    task_id TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (feed, task_id)
) STRICT;

CREATE TABLE gap (
    feed     INTEGER NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    at       TEXT NOT NULL,
    sentence TEXT NOT NULL,
    PRIMARY KEY (feed, at, sentence)
) STRICT;

CREATE TABLE bookmark (
    feed   INTEGER NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    caller TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (feed, caller)
) STRICT;

-- By the account and not by the feed: a hint may come before the feed begins.
CREATE TABLE hint (
    place   TEXT NOT NULL,
    person  TEXT NOT NULL,
    task_id TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (place, person, task_id)
) STRICT;
