"""The embedded store: tasks in one SQLite file, no account, no network."""
