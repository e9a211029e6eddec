-- oldest: 1
-- As the table of SQLite (migration 0001), whose statements run here too; rowid is the order in which keys were made.

CREATE TABLE caller_key (
    id           text COLLATE "C" PRIMARY KEY,
    hash         text COLLATE "C" NOT NULL,
    person       text COLLATE "C" NOT NULL,
    scopes       text COLLATE "C" NOT NULL,
    name         text,
    created_at   text COLLATE "C" NOT NULL,
    expires_at   text COLLATE "C",
    revoked_at   text COLLATE "C",
    last_used_at text COLLATE "C",
    rowid        bigint GENERATED ALWAYS AS IDENTITY
);

CREATE INDEX key_of_person ON caller_key (person);
