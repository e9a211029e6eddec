"""The transports of the server: stdio and Streamable HTTP."""
