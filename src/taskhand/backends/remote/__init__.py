"""The code that all CRM backends share: writes, bulk writes, caches, messages, OAuth and webhooks."""
