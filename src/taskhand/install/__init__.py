"""Taskhand put into a host's configuration, and taken out again; everything else in the file stays as it is."""
