-- oldest: 1
-- As the columns of SQLite (migration 0005).

ALTER TABLE ticket ADD COLUMN refusal text COLLATE "C";
ALTER TABLE ticket ADD COLUMN turned_away_at text COLLATE "C";
