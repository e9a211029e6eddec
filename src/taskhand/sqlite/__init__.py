"""A SQLite file that any number of processes share: the task store and the journal are one each."""
