"""The journal of changes: each is written down before it is sent, with the task as it was, and settled afterwards."""
