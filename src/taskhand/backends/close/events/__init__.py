"""Close's event log, read as changes of tasks, and its webhooks."""
