"""Metrics and traces of a server, for those who operate it: imported only where they are asked for."""
