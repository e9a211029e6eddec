"""Settings: read from the environment and from taskhand.toml, validated, and reported with their origins."""
