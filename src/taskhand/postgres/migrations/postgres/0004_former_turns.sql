-- oldest: 1
-- Who had a turn before it was taken, so that the statement that takes it tells that; empty where nobody knows.
ALTER TABLE turn ADD COLUMN former text COLLATE "C";
