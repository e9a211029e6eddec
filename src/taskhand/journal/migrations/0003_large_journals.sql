-- A large journal is not searched from its newest change on for those of an old period, of a person, of a tool or with
-- an outcome that few have. Claims are pruned and verified by row.

DROP INDEX IF EXISTS entry_began;
CREATE INDEX IF NOT EXISTS entry_opened ON entry (at, seq, place) WHERE kind = 'opening';
CREATE INDEX IF NOT EXISTS entry_ended ON entry (outcome, change_id) WHERE kind = 'ending';
CREATE INDEX IF NOT EXISTS entry_of_tool ON entry (tool, seq) WHERE kind = 'opening';
CREATE INDEX IF NOT EXISTS entry_of_subject ON entry (json_extract(body, '$.value.caller.subject'), seq)
WHERE kind = 'opening' AND json_valid(body);
CREATE INDEX IF NOT EXISTS claim_of_row ON claim (seq);
