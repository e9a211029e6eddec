"""One rate budget for all replicas of a server, kept in their shared database."""
