"""The built-in store: tasks in one SQLite file or a PostgreSQL database, without an account."""
