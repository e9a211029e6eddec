-- oldest: 1
-- How many tasks are due within some days is guessed from samples: more of them, so that a few days are told from a day.
ALTER TABLE task ALTER COLUMN due_key SET STATISTICS 500;
ALTER TABLE task_responsible ALTER COLUMN due_key SET STATISTICS 500;
