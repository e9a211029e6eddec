-- The text of a key is kept nowhere: hash is its SHA-256. scopes are words with spaces between, instants ISO 8601 text in
-- UTC with microseconds.

CREATE TABLE caller_key (
    id           TEXT PRIMARY KEY,
    hash         TEXT NOT NULL,
    person       TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    name         TEXT,
    created_at   TEXT NOT NULL,
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT
) STRICT;

CREATE INDEX key_of_person ON caller_key (person);
