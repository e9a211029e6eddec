"""Values such as tasks, edits, callers and errors, and the rules about them; nothing here reads, writes or waits."""
