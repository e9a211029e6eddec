"""Properties that an account has added to its tasks."""
