"""Moves what a server keeps in files into a PostgreSQL database; imported only by the command for it."""
