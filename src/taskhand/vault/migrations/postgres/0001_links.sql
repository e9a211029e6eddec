-- oldest: 1
-- As the tables of SQLite (migration 0001), whose statements run here too.

CREATE TABLE link (
    person        text COLLATE "C" NOT NULL,
    connection    text COLLATE "C" NOT NULL,
    generation    bigint  NOT NULL,
    version       bigint  NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    member_id     text COLLATE "C",
    member_name   text COLLATE "C",
    scopes        text COLLATE "C" NOT NULL,
    expires_at    text COLLATE "C",
    linked_at     text COLLATE "C" NOT NULL,
    saved_at      text COLLATE "C" NOT NULL,
    key_id        text COLLATE "C",
    nonce         bytea,
    sealed        bytea,
    last_used_at  text COLLATE "C",
    ended_at      text COLLATE "C",
    claimed_by    text COLLATE "C",
    claimed_until text COLLATE "C",
    PRIMARY KEY (person, connection)
);

-- The newest generation that was ever saved: a row from before that is put back is told from it, also after the link was
-- removed, and so is a row that is gone.

CREATE TABLE link_generation (
    person     text COLLATE "C" NOT NULL,
    connection text COLLATE "C" NOT NULL,
    generation bigint  NOT NULL,
    removed_at text COLLATE "C",
    PRIMARY KEY (person, connection)
);
