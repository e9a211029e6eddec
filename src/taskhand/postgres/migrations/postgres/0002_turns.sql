-- oldest: 1
-- What one process alone works on just now, such as a task. Where the holder is dead, the next one takes it.
CREATE TABLE turn (
    name   text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL
);
