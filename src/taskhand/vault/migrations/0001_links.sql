-- sealed has the tokens of a person, encrypted with the key key_id; everything else that is written with them is bound
-- to them, so that a changed byte is found (vault/sealed_link.py). scopes are words with spaces between, instants ISO
-- 8601 text in UTC with microseconds. ended_at: the CRM accepts the credential no longer, and it was removed here.

CREATE TABLE link (
    person        TEXT NOT NULL,
    connection    TEXT NOT NULL,
    generation    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    member_id     TEXT,
    member_name   TEXT,
    scopes        TEXT NOT NULL,
    expires_at    TEXT,
    linked_at     TEXT NOT NULL,
    saved_at      TEXT NOT NULL,
    key_id        TEXT,
    nonce         BLOB,
    sealed        BLOB,
    last_used_at  TEXT,
    ended_at      TEXT,
    claimed_by    TEXT,
    claimed_until TEXT,
    PRIMARY KEY (person, connection)
) STRICT;

-- The newest generation that was ever saved: a row from before that is put back is told from it, also after the link was
-- removed, and so is a row that is gone.

CREATE TABLE link_generation (
    person     TEXT NOT NULL,
    connection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    removed_at TEXT,
    PRIMARY KEY (person, connection)
) STRICT;
