"""Settings: read from the environment and from taskhand.toml, checked, and reported."""
