"""Webhooks: the addresses to which CRMs deliver that tasks were changed, outside of /mcp and without a bearer."""
