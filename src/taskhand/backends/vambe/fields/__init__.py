"""Fields of Vambe that need more than a mapping."""
