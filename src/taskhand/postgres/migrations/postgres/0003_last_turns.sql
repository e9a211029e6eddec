-- oldest: 1
-- Who had a turn last is kept for some minutes after it is given back: what another process remembers of the task counts
-- no longer. A turn that an older program has taken has no `last`.
ALTER TABLE turn ALTER COLUMN holder DROP NOT NULL;
ALTER TABLE turn ADD COLUMN last text COLLATE "C";
ALTER TABLE turn ADD COLUMN free_since timestamptz;
CREATE INDEX turn_free ON turn (free_since) WHERE holder IS NULL;
