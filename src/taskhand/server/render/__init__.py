"""Renders answers and errors for an agent."""
