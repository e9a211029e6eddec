"""Metrics and traces of a server, for those who operate it: imported only if they are asked for."""
