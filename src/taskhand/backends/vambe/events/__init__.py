"""Changes in Vambe: from lists compared with those of the last look, and webhooks."""
