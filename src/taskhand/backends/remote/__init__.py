"""What every CRM backend shares: writes, bulk writes, caches, messages and health checks."""
