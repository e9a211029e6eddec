"""A SQLite file that any number of processes share: the task store is one, the journal another."""
