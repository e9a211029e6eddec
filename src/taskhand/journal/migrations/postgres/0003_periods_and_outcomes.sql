-- oldest: 1
-- A large journal is not searched from its newest change on for those of an old period, of a tool or with an outcome that
-- few have. Of ten million rows these take a minute; made before, with CONCURRENTLY, no write waits for them.
CREATE INDEX IF NOT EXISTS entry_opened ON entry (at, seq, place) WHERE kind = 'opening';
CREATE INDEX IF NOT EXISTS entry_ended ON entry (outcome, change_id) WHERE kind = 'ending';
CREATE INDEX IF NOT EXISTS entry_of_tool ON entry (tool, seq) WHERE kind = 'opening';
DROP INDEX IF EXISTS entry_began;
