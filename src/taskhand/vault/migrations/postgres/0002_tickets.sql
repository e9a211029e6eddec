-- oldest: 1
-- As the table of SQLite (migration 0002).

CREATE TABLE ticket (
    id         text COLLATE "C" PRIMARY KEY,
    person     text COLLATE "C" NOT NULL,
    email      text COLLATE "C",
    connection text COLLATE "C" NOT NULL,
    made_at    text COLLATE "C" NOT NULL,
    expires_at text COLLATE "C" NOT NULL,
    browser    text COLLATE "C",
    tries      bigint NOT NULL DEFAULT 0,
    proved_at  text COLLATE "C",
    state      text COLLATE "C" UNIQUE,
    key_id     text COLLATE "C",
    nonce      bytea,
    sealed     bytea,
    used_at    text COLLATE "C",
    linked_at  text COLLATE "C"
);

CREATE INDEX ticket_of_person ON ticket (person, connection);
