"""The vault: a person's own credential for a connection, encrypted so that its file alone opens nothing."""
