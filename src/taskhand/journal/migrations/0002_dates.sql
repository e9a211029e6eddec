-- Pruning compares the clock with the times at which changes began, and counts what was pruned within a day.

CREATE INDEX entry_began ON entry (at) WHERE kind = 'opening';
CREATE INDEX entry_pruned ON entry (at) WHERE kind = 'pruned';
