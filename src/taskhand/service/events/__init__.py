"""The feed of changes of an account, whoever made them: polls, stored changes, and which of them are our own."""
