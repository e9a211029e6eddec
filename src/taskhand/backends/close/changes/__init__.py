"""Close's log of events, read as changes of tasks, and its webhooks."""
