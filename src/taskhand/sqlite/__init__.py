"""SQLite files, each shared by any number of processes, such as the task store and the journal."""
