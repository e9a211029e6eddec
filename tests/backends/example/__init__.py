"""Example: the tasks of an account that is in memory."""
