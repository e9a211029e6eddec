-- oldest: 1
-- The changes of a person are found by the e-mail address of then, too.
CREATE INDEX IF NOT EXISTS entry_of_email ON entry (json_extract(body, '$.value.email'), seq) WHERE kind = 'opening';
