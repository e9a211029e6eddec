"""Places where tasks live."""
