-- What the journal calls this store, wherever its file is and however its path is spelled. Until now the path was its
-- name: `former_place` are those names that were found in a journal. A store that is new has none (is_new).

CREATE TABLE identity (
    id     TEXT NOT NULL,
    is_new INTEGER NOT NULL
) STRICT;

INSERT INTO identity SELECT lower(hex(randomblob(16))), NOT EXISTS (SELECT 1 FROM status);

CREATE TABLE former_place (place TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
