"""The data on each backend: how it is planted there, and how what is kept is read back without the server."""
