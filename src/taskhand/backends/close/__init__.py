"""Close: tasks over its public HTTP API (https://developer.close.com/api/resources/tasks)."""
