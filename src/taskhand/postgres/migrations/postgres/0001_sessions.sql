-- oldest: 1
-- The processes that use the database: each says every few seconds that it lives, by the clock of the database. One that
-- has not said so for longer than its lease is dead to the others. The holder is who acts for a process: it itself, until
-- another has taken it over; nobody (NULL) once that one has given it back. A row that is not there is of a dead one.
CREATE TABLE session (
    session text COLLATE "C" PRIMARY KEY,
    holder  text COLLATE "C",
    seen_at timestamptz NOT NULL
);
