-- oldest: 1
-- The rate budgets: what has been dealt out lately of each, and who waits for more, as JSON. Times are by the clock of the
-- database, in seconds.
CREATE TABLE budget (
    name    text COLLATE "C" PRIMARY KEY,
    state   text NOT NULL,
    used_at timestamptz NOT NULL
);
