-- oldest: 1
-- As the column of SQLite (migration 0003).

ALTER TABLE link ADD COLUMN email text COLLATE "C";
