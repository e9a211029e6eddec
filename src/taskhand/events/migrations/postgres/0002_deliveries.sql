-- oldest: 1
-- As the tables of SQLite (migration 0002).

CREATE TABLE delivery (
    proof       text COLLATE "C" NOT NULL PRIMARY KEY,
    valid_until text COLLATE "C" NOT NULL
);

CREATE INDEX delivery_by_end ON delivery (valid_until);
