"""The use cases on tasks, one file for each, for any backend."""
