"""Vambe's lists, compared with those of the last look, and its webhooks."""
