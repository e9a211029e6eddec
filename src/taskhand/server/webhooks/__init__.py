"""Webhooks: the endpoints to which CRMs deliver changes of tasks, outside of /mcp and without a bearer token."""
