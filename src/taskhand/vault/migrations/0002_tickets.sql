-- A ticket lets one person open one page, to link a credential for one connection. id, browser and state are SHA-256 of
-- random texts, none of which is kept. sealed has what the page needs when the browser comes back with the state; it is
-- bound to id and state. used_at: it opens nothing more. Instants as in 0001.

CREATE TABLE ticket (
    id         TEXT PRIMARY KEY,
    person     TEXT NOT NULL,
    email      TEXT,
    connection TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    browser    TEXT,
    tries      INTEGER NOT NULL DEFAULT 0,
    proved_at  TEXT,
    state      TEXT UNIQUE,
    key_id     TEXT,
    nonce      BLOB,
    sealed     BLOB,
    used_at    TEXT,
    linked_at  TEXT
) STRICT;

CREATE INDEX ticket_of_person ON ticket (person, connection);
