"""The command line: `taskhand` and one module for each of its commands."""
