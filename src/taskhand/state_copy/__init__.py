"""Copies a server's files into a PostgreSQL database; imported only by the command for it."""
