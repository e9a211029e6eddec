-- oldest: 1
-- As the column of SQLite (migration 0004).

ALTER TABLE ticket ADD COLUMN mark text COLLATE "C";
