"""Metrics and traces of a server, for its operators; imported only if they are configured."""
