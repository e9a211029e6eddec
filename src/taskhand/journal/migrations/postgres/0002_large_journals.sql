-- oldest: 1
-- A person may have few of many changes, or none: a list of them is not searched for among all. Claims are pruned by row.
CREATE INDEX entry_of_subject ON entry (json_extract(body, '$.value.caller.subject'), seq) WHERE kind = 'opening';
CREATE INDEX claim_of_row ON claim (seq);
