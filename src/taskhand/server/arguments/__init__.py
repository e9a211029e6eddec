"""Converts the arguments that a model or a host sent to the typed arguments of a tool."""
