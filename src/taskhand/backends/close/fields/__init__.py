"""Fields of Close that need more than a mapping."""
