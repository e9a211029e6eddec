"""The command line: `taskhand` and one module for each of its commands."""

__all__ = ["CONFIGURATION"]

CONFIGURATION = "taskhand.config.effective_settings"
"""The key in `click.Context.meta` of the Configuration, or of the OperatorError that prevented it."""
