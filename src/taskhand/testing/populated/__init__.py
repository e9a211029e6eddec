"""Backends with a data set in them, one module each: how it is created, and how tasks are read without the server."""
